/* SPDX-License-Identifier: BSD-3-Clause */
/* containers.cpp -- the standard containers live in pools */
#include "pools.hpp"

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <scoped_allocator>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

template <typename T> using vector = std::vector<T, vmem::allocator<T>>;
using string =
	std::basic_string<char, std::char_traits<char>, vmem::allocator<char>>;

template <typename T> using traits = std::allocator_traits<vmem::allocator<T>>;

static_assert(std::is_same_v<traits<int>::rebind_alloc<double>,
	vmem::allocator<double>>);
static_assert(!traits<int>::is_always_equal::value);
static_assert(traits<int>::propagate_on_container_move_assignment::value);
static_assert(traits<int>::propagate_on_container_swap::value);
static_assert(!traits<int>::propagate_on_container_copy_assignment::value);
static_assert(std::is_nothrow_copy_constructible_v<vmem::allocator<int>>);

TEST_CASE("allocator__rebound_and_copied__is_equal")
{
	auto pool = pools::make();
	auto other = pools::make();
	vmem::allocator<int> ints(pool);
	vmem::allocator<double> doubles(ints);

	CHECK(ints == doubles);
	CHECK(!(ints != doubles));
	CHECK(ints != vmem::allocator<int>(other));
	CHECK(ints == vmem::allocator<int>(pool.get()));
}

TEST_CASE("allocator__impossible_counts__throw")
{
	auto pool = pools::make();
	vmem::allocator<std::uint64_t> allocator(pool);

	CHECK_THROWS_AS((void)allocator.allocate(SIZE_MAX / 8 + 2),
		std::bad_array_new_length);
	CHECK_THROWS_AS(
		(void)allocator.allocate(SIZE_MAX / 32), std::bad_alloc);
	std::uint64_t *none = allocator.allocate(0);
	allocator.deallocate(none, 0);

	vector<char> filled(pool);
	CHECK_THROWS_AS(filled.resize(VMEM_MIN_POOL), std::bad_alloc);
	filled.resize(100);
	CHECK(filled[99] == 0);
}

TEST_CASE("containers__filled_and_emptied__leave_nothing_in_the_pool")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);
	{
		vector<int> numbers(1000, pool);
		std::iota(numbers.begin(), numbers.end(), 0);
		numbers.insert(numbers.begin() + 500, 100, -1);
		numbers.shrink_to_fit();
		CHECK(numbers[1099] == 999);
		CHECK(pools::has(pool, numbers.data()));

		std::map<int, string, std::less<>,
			vmem::allocator<std::pair<const int, string>>>
			names(pool);
		for (int i = 0; i < 1000; i++)
			names.emplace(i, string(std::size_t(i), 'x', pool));
		for (int i = 0; i < 1000; i += 2)
			names.erase(i);
		CHECK(names.at(999).size() == 999);
		CHECK(pools::has(pool, names.at(999).data()));

		std::unordered_map<string, int,
			std::function<std::size_t(const string &)>,
			std::equal_to<>,
			vmem::allocator<std::pair<const string, int>>>
			counts(
				16, [](const string &s) { return s.size(); },
				std::equal_to<>(), pool);
		for (const auto &[number, name] : names)
			counts[name] += number;
		CHECK(counts.size() == 500);

		std::list<int, vmem::allocator<int>> list(
			numbers.begin(), numbers.end(), pool);
		list.sort(std::greater<>());
		CHECK(list.front() == 999);
		CHECK(pools::has(pool, &list.front()));

		std::deque<int, vmem::allocator<int>> deque(pool);
		for (int number : numbers)
			deque.push_front(number);
		CHECK(deque.back() == 0);

		std::set<int, std::less<>, vmem::allocator<int>> set(
			numbers.begin(), numbers.end(), std::less<>(), pool);
		CHECK(set.size() == 1001);
	}
	CHECK(pools::largest(pool) == before);
	CHECK(pool.check());
}

TEST_CASE("containers__copied_moved_swapped__keep_to_the_rules_of_pools")
{
	auto here = pools::make();
	auto there = pools::make();
	vector<int> a(100, 1, here);
	vector<int> b(200, 2, there);

	vector<int> copy(a);
	CHECK(copy.get_allocator() == a.get_allocator());
	CHECK(pools::has(here, copy.data()));

	copy = b; /* values come, the pool stays */
	CHECK(copy == b);
	CHECK(pools::has(here, copy.data()));

	const int *data = b.data();
	copy = std::move(b); /* the pool comes along, and nothing is copied */
	CHECK(copy.data() == data);
	CHECK(pools::has(there, copy.data()));

	swap(a, copy);
	CHECK(a.data() == data);
	CHECK(a.get_allocator() == vmem::allocator<int>(there));
	copy.push_back(3);
	CHECK(pools::has(here, copy.data()));

	vector<int> elsewhere(a, vmem::allocator<int>(here));
	CHECK(elsewhere == a);
	CHECK(pools::has(here, elsewhere.data()));
}

TEST_CASE("containers__pool_moved_meanwhile__go_on")
{
	auto first = pools::make();
	vector<int> numbers(first);

	numbers.push_back(1);
	auto second = std::move(first);
	numbers.resize(10000, 2);
	CHECK(pools::has(second, numbers.data()));
}

TEST_CASE("containers__of_over_aligned_types__are_aligned")
{
	struct alignas(64) line {
		char bytes[64];
	};
	struct alignas(8192) pages {
		char bytes[8192];
	};
	auto pool = pools::make();
	vector<line> lines(33, pool);
	std::list<line, vmem::allocator<line>> list(33, pool);
	vector<pages> large(3, pool);

	CHECK(pools::is_aligned(lines.data()));
	for (const line &element : list)
		CHECK(pools::is_aligned(&element));
	CHECK(pools::is_aligned(large.data()));
}

TEST_CASE("containers__elements_throw__nothing_is_left")
{
	auto pool = pools::make();
	const std::size_t before = pools::largest(pool);

	pools::counted::throw_at = 50;
	CHECK_THROWS_AS(vector<pools::counted>(100, pool), std::runtime_error);
	pools::counted::throw_at = -1;
	CHECK(pools::counted::live == 0);
	CHECK(pools::largest(pool) == before);
}

TEST_CASE("containers__scoped_allocator__nested_ones_are_in_the_pool")
{
	using words = std::vector<string,
		std::scoped_allocator_adaptor<vmem::allocator<string>>>;
	auto pool = pools::make();
	words list{vmem::allocator<string>(pool)};

	list.emplace_back(100, 'y');
	list.emplace_back("a word that is too long to be kept in the object");
	CHECK(pools::has(pool, list[0].data()));
	CHECK(pools::has(pool, list[1].data()));
}

TEST_CASE("containers__threads__use_one_pool_at_once")
{
	auto pool = pools::make();
	std::vector<std::thread> threads;
	threads.reserve(4);
	std::vector<std::list<int, vmem::allocator<int>>> lists(
		4, std::list<int, vmem::allocator<int>>(pool));

	for (auto &list : lists)
		threads.emplace_back([&list] {
			for (int round = 0; round < 5; round++) {
				list.clear();
				for (int i = 0; i < 1000; i++)
					list.push_back(i);
			}
		});
	for (auto &thread : threads)
		thread.join();
	for (const auto &list : lists)
		CHECK(std::accumulate(list.begin(), list.end(), 0) == 499500);
	lists.clear(); /* by another thread than allocated */
	CHECK(pool.check());
}
