/* SPDX-License-Identifier: BSD-3-Clause */
/* pointers.cpp -- unique and shared pointers to objects in a pool */
#include <libvmem.h>

#include <cstddef>

/* a program's own: libvmem.hpp must not mean it */
void *allocate(VMEM *handle, std::size_t size, std::size_t alignment);

#include "pools.hpp"

#include <utility>

using pools::counted;

struct left {
	virtual ~left() = default;
	long number = 1;
};

struct right {
	virtual ~right() = default;
	long number = 2;
};

/* its base class right is not at its start */
struct both : left, right {
	counted member;
};

struct plain {
	int number;
};

struct of_plain : plain {
};

static_assert(sizeof(vmem::unique_ptr<int>) == 2 * sizeof(void *));
static_assert(
	std::is_convertible_v<vmem::unique_ptr<both>, vmem::unique_ptr<right>>);
static_assert(std::is_convertible_v<vmem::unique_ptr<int>,
	vmem::unique_ptr<const int>>);
static_assert(std::is_convertible_v<vmem::unique_ptr<int[]>,
	vmem::unique_ptr<const int[]>>);
static_assert(!std::is_convertible_v<vmem::unique_ptr<const int[]>,
	      vmem::unique_ptr<int[]>>);
/* elements of another size */
static_assert(!std::is_convertible_v<vmem::unique_ptr<both[]>,
	      vmem::unique_ptr<right[]>>);
static_assert(!std::is_convertible_v<vmem::unique_ptr<right>,
	      vmem::unique_ptr<both>>);
/* would not be destroyed as what it is */
static_assert(!std::is_convertible_v<vmem::unique_ptr<of_plain>,
	      vmem::unique_ptr<plain>>);

TEST_CASE("make_unique__end_of_scope__destroys_and_frees")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		auto object = vmem::make_unique<counted>(pool, 42);

		CHECK(object->value == 42);
		CHECK(pools::has(pool, object.get()));
		CHECK(counted::live == 1);

		auto moved = std::move(object);
		CHECK(counted::live == 1);
		vmem::unique_ptr<counted> empty;
		CHECK(!empty);
		empty = std::move(moved);
		CHECK(empty->value == 42);
	}
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("make_unique__array__knows_its_length")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		auto array = vmem::make_unique<counted[]>(pool, 100);

		CHECK(counted::live == 100);
		CHECK(array[99].value == 7);
		CHECK(array.get_deleter().size() == 100);

		auto zeros = vmem::make_unique<int[]>(pool, 1000);
		CHECK(zeros[999] == 0);
		auto none = vmem::make_unique<counted[]>(pool, 0);
		CHECK(counted::live == 100);
		CHECK_THROWS_AS(vmem::make_unique<int[]>(pool, SIZE_MAX / 2),
			std::bad_array_new_length);
	}
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("make_unique__array_of_constants__is_one_with_its_length")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		vmem::unique_ptr<const counted[]> array =
			vmem::make_unique<counted[]>(pool, 10);

		CHECK(array.get_deleter().size() == 10);
		CHECK(array.get_deleter().handle() == pool.get());
		array = vmem::make_unique<const counted[]>(pool, 20);
		CHECK(counted::live == 20);
		CHECK(array[19].value == 7);

		auto zeros = vmem::make_unique<const int[]>(pool, 3);
		CHECK(zeros[2] == 0);
	}
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("make_unique__as_a_base_class__frees_the_whole_object")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		vmem::unique_ptr<right> base = vmem::make_unique<both>(pool);

		CHECK(base->number == 2);
		CHECK(dynamic_cast<void *>(base.get()) !=
			static_cast<void *>(base.get()));
	}
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
	CHECK(std::string(vmem_errormsg()).find("free") == std::string::npos);
}

TEST_CASE("make_unique__constructor_throws__frees")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);

	counted::throw_at = 0;
	CHECK_THROWS_AS(vmem::make_unique<counted>(pool), std::runtime_error);
	CHECK_THROWS_AS(vmem::make_shared<counted>(pool), std::runtime_error);
	counted::throw_at = 5;
	CHECK_THROWS_AS(
		vmem::make_unique<counted[]>(pool, 10), std::runtime_error);
	counted::throw_at = -1;
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("make_unique__over_aligned_or_too_large__as_it_should")
{
	struct alignas(4096) page {
		char bytes[4096];
	};
	struct large {
		char bytes[VMEM_MIN_POOL];
	};
	auto pool = pools::make();
	auto one = vmem::make_unique<page>(pool);
	auto several = vmem::make_unique<page[]>(pool, 3);

	CHECK(pools::is_aligned(one.get()));
	CHECK(pools::is_aligned(several.get()));
	CHECK_THROWS_AS(vmem::make_unique<large>(pool), std::bad_alloc);
}

TEST_CASE("make_shared__last_owner_gone__frees")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		auto object = vmem::make_shared<counted>(pool, 3);
		std::weak_ptr<counted> weak = object;
		auto second = object;

		CHECK(pools::has(pool, object.get()));
		object.reset();
		CHECK(counted::live == 1);
		second.reset();
		CHECK(counted::live == 0);
		CHECK(weak.expired());

		/* an object with a deleter of ours, and the count beside it */
		std::shared_ptr<right> base = vmem::make_unique<both>(pool);
		CHECK(base->number == 2);
	}
	CHECK(counted::live == 0);
	CHECK(pools::largest(pool) == before);
}
