/* SPDX-License-Identifier: BSD-3-Clause */
/* pools.hpp -- what the tests of libvmem.hpp share */
#ifndef CXX_POOLS_HPP
#define CXX_POOLS_HPP

#include <libvmem.hpp>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

namespace pools
{

inline std::string
dir()
{
	const char *name = std::getenv("TMPDIR");

	return name != nullptr ? name : "/tmp";
}

/* of the smallest size */
inline vmem::pool
make()
{
	return vmem::pool(dir());
}

/* is it an object of a pool of the smallest size? */
inline bool
has(const vmem::pool &pool, const void *ptr)
{
	const auto start = reinterpret_cast<std::uintptr_t>(pool.get());
	const auto at = reinterpret_cast<std::uintptr_t>(ptr);

	return at - start < 16u * 1024 * 1024;
}

template <typename T>
bool
is_aligned(const T *ptr, std::size_t alignment = alignof(T))
{
	return reinterpret_cast<std::uintptr_t>(ptr) % alignment == 0;
}

/* counts its objects; throws from the constructor when told so */
struct counted {
	static inline int live = 0;
	static inline int throw_at = -1;
	int value = 7;

	counted()
	{
		if (live == throw_at)
			throw std::runtime_error("as it was told");
		live++;
	}
	explicit counted(int number) : counted()
	{
		value = number;
	}
	counted(const counted &other) : counted(other.value)
	{
	}
	counted &operator=(const counted &) = default;
	~counted()
	{
		live--;
	}
};

/* the largest object that fits, to a page: less when something is left over */
inline std::size_t
largest(const vmem::pool &pool)
{
	std::size_t low = 0, high = 16u * 1024 * 1024;

	while (high - low > 4096) {
		const std::size_t middle = low + (high - low) / 2;
		void *ptr = vmem_malloc(pool.get(), middle);

		if (ptr != nullptr)
			low = middle;
		else
			high = middle;
		vmem_free(pool.get(), ptr);
	}
	return low;
}

} /* namespace pools */

#endif
