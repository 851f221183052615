/* SPDX-License-Identifier: BSD-3-Clause */
/* resource.cpp -- the containers of std::pmr in a pool */
#include "pools.hpp"

#include <map>
#include <memory_resource>
#include <string>
#include <unordered_map>
#include <vector>

TEST_CASE("memory_resource__of_one_pool__are_equal")
{
	auto pool = pools::make();
	auto other = pools::make();
	vmem::memory_resource a(pool), b(pool.get()), c(other);

	CHECK(a == b);
	CHECK(a != c);
	CHECK(a != *std::pmr::new_delete_resource());
}

TEST_CASE("memory_resource__any_size_and_alignment__aligns")
{
	auto pool = pools::make();
	vmem::memory_resource resource(pool);

	for (std::size_t alignment = 1; alignment <= 1u << 16; alignment *= 2) {
		for (std::size_t size : {0u, 1u, 8u, 15u, 16u, 24u, 100000u}) {
			void *ptr = resource.allocate(size, alignment);

			CHECK(pools::is_aligned(
				static_cast<char *>(ptr), alignment));
			resource.deallocate(ptr, size, alignment);
		}
	}
	CHECK_THROWS_AS((void)resource.allocate(VMEM_MIN_POOL), std::bad_alloc);
}

TEST_CASE("memory_resource__pmr_containers__nested_ones_are_in_the_pool")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		vmem::memory_resource resource(pool);
		std::pmr::map<std::pmr::string, std::pmr::vector<int>> index(
			&resource);

		for (int i = 0; i < 2000; i++)
			index["a key that is long enough for memory of its "
			      "own " +
				std::pmr::string(std::to_string(i % 100))]
				.push_back(i);
		CHECK(index.size() == 100);
		for (const auto &[key, values] : index) {
			CHECK(pools::has(pool, key.data()));
			CHECK(pools::has(pool, values.data()));
			CHECK(values.size() == 20);
		}
		std::pmr::unordered_map<int, std::pmr::string> names(&resource);
		for (int i = 0; i < 1000; i++)
			names.emplace(i, "name");
		CHECK(names.size() == 1000);
	}
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("memory_resource__under_other_resources__feeds_them")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		vmem::memory_resource resource(pool);
		std::pmr::monotonic_buffer_resource buffer(&resource);
		std::pmr::unsynchronized_pool_resource sized(&resource);
		std::pmr::vector<int> a(1000, 1, &buffer);
		std::pmr::vector<int> b(1000, 2, &sized);

		CHECK(pools::has(pool, a.data()));
		CHECK(pools::has(pool, b.data()));
	}
	CHECK(pools::largest(pool) == before);
}
