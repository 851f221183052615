/* SPDX-License-Identifier: BSD-3-Clause */
/* pool.cpp -- vmem::pool owns one pool, and says why it has none */
#include "pools.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <vector>

#include <sys/mman.h>

static_assert(!std::is_copy_constructible_v<vmem::pool>);
static_assert(!std::is_copy_assignable_v<vmem::pool>);
static_assert(std::is_nothrow_move_constructible_v<vmem::pool>);
static_assert(std::is_nothrow_move_assignable_v<vmem::pool>);
static_assert(std::is_nothrow_swappable_v<vmem::pool>);
static_assert(!std::is_convertible_v<std::string, vmem::pool>);
static_assert(!std::is_default_constructible_v<vmem>);
static_assert(sizeof(vmem::pool) == sizeof(VMEM *));

static bool
is_live(VMEM *handle)
{
	void *ptr = vmem_malloc(handle, 1);

	vmem_free(handle, ptr);
	return ptr != nullptr;
}

/* error_of -- the error that making a pool throws */
template <typename Make>
static std::optional<std::system_error>
error_of(Make make)
{
	try {
		(void)make();
	} catch (const std::system_error &error) {
		return error;
	}
	return std::nullopt;
}

TEST_CASE("pool__end_of_scope__deletes_it")
{
	VMEM *handle = nullptr;
	{
		vmem::pool pool(pools::dir(), 20u << 20);

		handle = pool.get();
		CHECK(is_live(handle));
		CHECK(static_cast<bool>(pool));
	}
	CHECK(!is_live(handle));
}

TEST_CASE("pool__each_kind_of_path__is_taken")
{
	std::string copy = pools::dir();

	CHECK(vmem::pool(copy));
	CHECK(vmem::pool(copy.c_str()));
	CHECK(vmem::pool(copy.data(), VMEM_MIN_POOL)); /* char *, no region */
	CHECK(vmem::pool(std::filesystem::path(copy)));
}

TEST_CASE("pool__in_region__is_there_and_leaves_the_memory")
{
	void *memory = mmap(nullptr, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(memory != MAP_FAILED);
	{
		auto pool = vmem::pool::in_region(memory, VMEM_MIN_POOL);

		CHECK(static_cast<void *>(pool.get()) == memory);
		CHECK(is_live(pool.get()));
	}
	*static_cast<char *>(memory) = 1;
	CHECK(munmap(memory, VMEM_MIN_POOL) == 0);
}

TEST_CASE("pool__failures__are_system_errors_with_the_library_s_text")
{
	auto missing = error_of([] { return vmem::pool("/nonexistent"); });

	REQUIRE(missing);
	CHECK(missing->code() == std::errc::no_such_file_or_directory);
	CHECK(std::string(missing->what()) ==
		"open: No such file or directory");

	auto small = error_of([] { return vmem::pool(pools::dir(), 1); });

	REQUIRE(small);
	CHECK(small->code().value() == EINVAL);
	CHECK(std::string(small->what()) ==
		"size 1 smaller than 14680064: Invalid argument");

	const char *none = nullptr;
	auto null = error_of([&] { return vmem::pool(none); });

	REQUIRE(null);
	CHECK(null->code().value() == EINVAL);

	auto region = error_of(
		[] { return vmem::pool::in_region(nullptr, VMEM_MIN_POOL); });

	REQUIRE(region);
	CHECK(region->code().value() == EINVAL);
}

TEST_CASE("pool__moved__has_one_owner")
{
	auto first = pools::make();
	VMEM *const handle = first.get();
	vmem::pool second(std::move(first));

	CHECK(!first); /* NOLINT(bugprone-use-after-move) */
	CHECK(second.get() == handle);

	auto third = pools::make();
	VMEM *const replaced = third.get();

	third = std::move(second);
	CHECK(third.get() == handle);
	CHECK(!is_live(replaced));
	CHECK(is_live(handle));

	auto &same = third;
	third = std::move(same);
	CHECK(is_live(third.get()));

	std::vector<vmem::pool> several;
	several.push_back(std::move(third));
	several.push_back(pools::make());
	swap(several[0], several[1]);
	CHECK(several[1].get() == handle);
}

TEST_CASE("pool__released__is_the_caller_s")
{
	auto pool = pools::make();
	VMEM *const handle = pool.release();

	CHECK(!pool);
	CHECK(is_live(handle));
	pool = vmem::pool::adopt(handle);
	CHECK(pool.get() == handle);
	CHECK(!vmem::pool::adopt(nullptr));
}

TEST_CASE("pool__allocate__aligns_and_throws_bad_alloc_when_full")
{
	auto pool = pools::make();

	for (std::size_t alignment = 1; alignment <= 1u << 16; alignment *= 2) {
		for (std::size_t size : {0u, 1u, 8u, 15u, 16u, 24u, 100000u}) {
			void *ptr = pool.allocate(size, alignment);

			CAPTURE(alignment);
			CAPTURE(size);
			CHECK(pools::is_aligned(
				static_cast<char *>(ptr), alignment));
			CHECK(pool.usable_size(ptr) >= size);
			pool.deallocate(ptr);
		}
	}
	CHECK_THROWS_AS((void)pool.allocate(VMEM_MIN_POOL), std::bad_alloc);
	CHECK_THROWS_AS((void)pool.allocate(PTRDIFF_MAX), std::bad_alloc);
	CHECK_THROWS_AS((void)pool.allocate(SIZE_MAX), std::bad_alloc);
	CHECK(pool.check());
}

TEST_CASE("pool__check_of_no_pool__throws")
{
	auto pool = pools::make();

	CHECK(pool.check());
	CHECK(error_of([] { return vmem::pool::adopt(nullptr).check(); })
			->code()
			.value() == EINVAL);
}

TEST_CASE("reset__pool_with_objects__has_all_of_its_room_again")
{
	vmem::pool pool(pools::dir());

	for (int i = 0; i < 5; i++) {
		CHECK(pool.allocate(10u << 20) != nullptr);
		CHECK_THROWS_AS((void)pool.allocate(10u << 20), std::bad_alloc);
		pool.reset();
	}
	CHECK(pool.check());
}

TEST_CASE("for_each_object__objects__each_is_visited_once")
{
	vmem::pool pool(pools::dir());
	std::vector<void *> made, seen;

	for (std::size_t size = 1; size < 100000; size *= 3)
		made.push_back(pool.allocate(size));
	pool.for_each_object([&seen, &pool](void *ptr, std::size_t usable) {
		seen.push_back(ptr);
		CHECK(usable > 0);
		CHECK_THROWS_AS((void)pool.allocate(1), std::bad_alloc);
	});
	std::sort(made.begin(), made.end());
	CHECK(seen == made);
}

TEST_CASE("for_each_object__visit_throws__ends_and_the_pool_works_on")
{
	vmem::pool pool(pools::dir());
	int calls = 0;

	(void)pool.allocate(100);
	(void)pool.allocate(100);
	CHECK_THROWS_AS(pool.for_each_object([&calls](void *, std::size_t) {
		calls++;
		throw std::runtime_error("enough");
	}),
		std::runtime_error);
	CHECK(calls == 1);
	CHECK(is_live(pool.get()));
	pool.for_each_object([&calls](void *, std::size_t) { calls++; });
	CHECK(calls == 3);
	pool.flush_thread();
	CHECK(pool.check());
}

TEST_CASE("deallocate__with_a_size__frees_or_refuses")
{
	vmem::pool pool(pools::dir());
	void *ptr = pool.allocate(100, 64);

	pool.deallocate(ptr, 1000);
	CHECK(pool.usable_size(ptr) >= 100);
	pool.deallocate(ptr, 100);
	CHECK(pool.usable_size(ptr) == 0);
}
