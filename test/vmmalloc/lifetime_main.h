/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifetime_main.h return|exit|_exit|thread [OBJECT] -- a C++ program with
 * everything that comes before main() and after it
 */
#include <dlfcn.h>
#include <new>
#include <thread>

#include "lifetime.h"

static void
end_thread()
{
	of_thread.use();
	std::exit(0);
}

/* tell -- operator new says when there is no more, and the program lives */
static void
fill()
{
	std::vector<std::unique_ptr<char[]>> all;
	bool full = false;

	all.reserve(100000);
	for (size_t size : {100000u, 1000u, 10u}) {
		try {
			for (;;)
				all.emplace_back(new char[size]);
		} catch (const std::bad_alloc &) {
			full = true;
		}
	}
	CHECK(full && all.size() > 100);
	CHECK(new (std::nothrow) char[100000] == nullptr);
	all.clear();
	struct alignas(256) Wide {
		char c[300];
	};
	auto wide = std::make_unique<Wide[]>(100);
	CHECK(reinterpret_cast<size_t>(wide.get()) % 256 == 0);
}

static int
lifetime(int argc, char *argv[])
{
	const std::string how = argc > 1 ? argv[1] : "";

	CHECK(registered == 0);
	of_thread.use();
	never_deleted->use();
	std::vector<std::thread> threads;
	threads.reserve(8);
	for (int i = 0; i < 8; i++)
		threads.emplace_back([] { of_thread.use(); });
	for (auto &thread : threads)
		thread.join();
	if (argc > 2) {
		void *object = dlopen(argv[2], RTLD_NOW | RTLD_DEEPBIND);
		CHECK(object != nullptr);
		auto use = reinterpret_cast<void (*)()>(
			dlsym(object, "object_use"));
		CHECK(use != nullptr);
		use();
		std::thread(use).join();
	}
	if (how == "full")
		fill();
	if (how == "thread")
		std::thread(end_thread).join();
	if (how == "exit")
		std::exit(0);
	if (how == "_exit")
		_exit(0);
	return 0;
}
