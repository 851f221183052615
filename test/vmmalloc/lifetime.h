/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifetime.h -- objects with static storage, made before main() and unmade
 * after the exit handlers, by a program and by a library it uses
 */
#ifndef VMMALLOC_LIFETIME_H
#define VMMALLOC_LIFETIME_H

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check.h"

/* a heap of its own: made, changed and verified with many objects */
class Store
{
public:
	explicit Store(int number) : numbers(1000, number)
	{
		for (int i = 0; i < 1000; i++)
			names[i] = std::string(static_cast<size_t>(i % 100),
				static_cast<char>('a' + number));
	}

	Store(const Store &) = delete;
	Store &operator=(const Store &) = delete;

	void use()
	{
		for (int i = 0; i < 1000; i++) {
			auto &name = names.at(i);
			CHECK(name.size() >= static_cast<size_t>(i % 100));
			name += "more";
			numbers.push_back(i);
		}
		large = std::make_unique<char[]>(300000);
		large[299999] = 1;
	}

	~Store()
	{
		use();
		names.clear();
		std::vector<std::string> lines(100, std::string(50, 'x'));
		CHECK(lines.back().size() == 50);
	}

private:
	std::map<int, std::string> names;
	std::vector<int> numbers;
	std::unique_ptr<char[]> large;
};

static Store first(1);
static thread_local Store of_thread(2);
static Store *const never_deleted = new Store(3);

static void
at_exit()
{
	free(malloc(1000));
	first.use();
	/* glibc runs what is registered meanwhile */
	CHECK(atexit([] { free(strdup("last words")); }) == 0);
}

static const int registered = atexit(at_exit);

#endif
