/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_detail.hpp -- what the classes of <libvmem.hpp> are made with
 *
 * Part of <libvmem.hpp>, which includes it; nothing here is for programs.
 */
#ifndef LIBVMEM_DETAIL_HPP
#define LIBVMEM_DETAIL_HPP 1

#ifndef __cpp_exceptions
#error "libvmem.hpp needs exceptions; libvmem.h does not"
#endif

#include <libvmem.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>

/* LLVM's standard library has it from version 16 on */
#if defined(__cpp_rtti) && __has_include(<memory_resource>)
#include <memory_resource>
#define LIBVMEM_HAS_MEMORY_RESOURCE 1
#endif

namespace libvmem
{

namespace detail
{

/* throw_error -- what errno and vmem_errormsg() say about a failed call */
[[noreturn]] inline void
throw_error(int err)
{
	const std::error_code code(err, std::generic_category());
	std::string what = vmem_errormsg();
	const std::string reason = ": " + code.message();

	/* what() appends the reason: not twice */
	if (what.size() > reason.size() &&
		what.compare(what.size() - reason.size(), reason.size(),
			reason) == 0)
		what.resize(what.size() - reason.size());
	throw std::system_error(code, what);
}

/* allocate -- memory that is aligned as a type wants it; std::bad_alloc */
inline void *
allocate(VMEM *handle, std::size_t size, std::size_t alignment)
{
	/* what vmem_malloc() gives by itself */
	const std::size_t natural = size < 16 ? 8 : 16;
	void *ptr = alignment <= natural
			    ? vmem_malloc(handle, size)
			    : vmem_aligned_alloc(handle, alignment, size);

	if (ptr == nullptr)
		throw std::bad_alloc();
	return ptr;
}

/* array_size -- bytes of count objects; std::bad_array_new_length */
inline std::size_t
array_size(std::size_t count, std::size_t size)
{
	if (count > std::size_t(PTRDIFF_MAX) / size)
		throw std::bad_array_new_length();
	return count * size;
}

/* make -- an object; what its constructor throws, and then nothing is left */
template <typename T, typename... Args>
T *
make(VMEM *handle, Args &&...args)
{
	void *memory = detail::allocate(handle, sizeof(T), alignof(T));

	try {
		return ::new (memory) T(std::forward<Args>(args)...);
	} catch (...) {
		vmem_free(handle, memory);
		throw;
	}
}

/* make_array -- value-initialized objects; the same */
template <typename T>
T *
make_array(VMEM *handle, std::size_t count)
{
	void *memory = detail::allocate(
		handle, detail::array_size(count, sizeof(T)), alignof(T));
	auto *first = static_cast<T *>(memory);

	try {
		std::uninitialized_value_construct_n(first, count);
	} catch (...) {
		vmem_free(handle, memory);
		throw;
	}
	return first;
}

/* walk -- no exception may pass through vmem_walk(): it waits here */
template <typename Visit> class walk
{
public:
	explicit walk(Visit &visit) noexcept : visit_(visit)
	{
	}

	static int step(void *ptr, std::size_t usable, void *arg) noexcept
	{
		auto *self = static_cast<walk *>(arg);

		try {
			self->visit_(ptr, usable);
			return 0;
		} catch (...) {
			self->thrown_ = std::current_exception();
			return 1;
		}
	}

	void end() const
	{
		if (thrown_)
			std::rethrow_exception(thrown_);
	}

private:
	Visit &visit_;
	std::exception_ptr thrown_ = nullptr;
};

} /* namespace detail */

} /* namespace libvmem */

#endif /* libvmem_detail.hpp */
