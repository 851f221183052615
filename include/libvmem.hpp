/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem.hpp -- memory pools for C++17: owners, allocators, smart pointers
 *
 *     vmem::pool pool("/mnt/cxl", 1 << 30);
 *     std::vector<int, vmem::allocator<int>> numbers(pool);
 *     auto name = vmem::make_unique<std::string>(pool, "in the pool");
 *
 * Header only, on top of libvmem.h.  A vmem::pool owns a pool; everything else
 * here holds its handle alone, so that a pool can be moved while containers
 * live in it.  Objects and containers must be gone, or never be used again,
 * when their pool is deleted: destructors do not run for what is left in it.
 *
 * Exceptions are std::bad_alloc, when a pool has no room, and
 * std::system_error, with the text of vmem_errormsg(), for all else.  Threads
 * are as in libvmem.h: a pool may be used by many at once, but one C++ object
 * must not be changed by two.
 */
#ifndef LIBVMEM_HPP
#define LIBVMEM_HPP 1

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "libvmem.hpp needs C++17"
#endif

#include <libvmem.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "libvmem_detail.hpp"

/*
 * The tag of VMEM, `struct vmem`, has the name that a namespace would have.  So
 * the classes are in namespace libvmem, and that struct, which no one can make
 * an object of, holds their names: write vmem::pool and so on.
 */
namespace libvmem
{

/*
 * vmem::pool -- owns a pool, which is deleted with it; can be moved, not copied
 *
 * One that was moved from or released is empty: it converts to false, and its
 * functions must not be called, but for those that say so.
 */
class pool
{
public:
	/*
	 * A pool in an unnamed temporary file of a directory, or on a device
	 * DAX node, which is taken whole; as vmem_create().
	 *
	 * Throws  std::system_error with vmem_create()'s errno.
	 */
	explicit pool(const char *path, std::size_t size = VMEM_MIN_POOL)
	    : pool(made(vmem_create(path, size)))
	{
	}

	explicit pool(const std::string &path, std::size_t size = VMEM_MIN_POOL)
	    : pool(path.c_str(), size)
	{
	}

	/*
	 * A pool in memory that the caller has and keeps until the pool is
	 * deleted; as vmem_create_in_region().
	 *
	 * Throws  std::system_error with vmem_create_in_region()'s errno.
	 */
	static pool in_region(void *addr, std::size_t size)
	{
		return pool(made(vmem_create_in_region(addr, size)));
	}

	/* take over what vmem_create() gave; nullptr makes an empty one */
	static pool adopt(VMEM *handle) noexcept
	{
		return pool(handle);
	}

	pool(pool &&other) noexcept : handle_(other.release())
	{
	}

	pool &operator=(pool &&other) noexcept
	{
		pool taken(std::move(other));

		swap(taken, *this);
		return *this;
	}

	pool(const pool &) = delete;
	pool &operator=(const pool &) = delete;

	~pool()
	{
		if (handle_ != nullptr)
			vmem_delete(handle_);
	}

	/* the handle, for the functions of libvmem.h; nullptr when empty */
	VMEM *get() const noexcept
	{
		return handle_;
	}

	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}

	/* give the handle to the caller, who deletes it; empty afterwards */
	VMEM *release() noexcept
	{
		return std::exchange(handle_, nullptr);
	}

	/* also for empty ones */
	friend void swap(pool &a, pool &b) noexcept
	{
		std::swap(a.handle_, b.handle_);
	}

	/*
	 * `size` bytes, aligned to any power of two; freed by deallocate() or
	 * vmem_free().
	 *
	 * Throws  std::bad_alloc.
	 */
	[[nodiscard]] void *allocate(std::size_t size,
		std::size_t alignment = alignof(std::max_align_t)) const
	{
		return detail::allocate(handle_, size, alignment);
	}

	void deallocate(void *ptr) const noexcept
	{
		vmem_free(handle_, ptr);
	}

	/* the same, where the size that was asked for is known and checked */
	void deallocate(void *ptr, std::size_t size) const noexcept
	{
		vmem_free_sized(handle_, ptr, size);
	}

	/*
	 * Free everything at once; no destructor runs, and no object or
	 * container in the pool may be used again.
	 *
	 * Throws  std::system_error when another process uses it too.
	 */
	void reset() const
	{
		if (vmem_reset(handle_) != 0)
			detail::throw_error(errno);
	}

	/*
	 * Call visit(void *ptr, std::size_t usable) for each live object, while
	 * other operations on the pool wait; those of visit itself are refused.
	 * What it throws ends the walk, and is thrown on.
	 *
	 * Throws  std::system_error as vmem_walk() fails; what visit throws.
	 */
	template <typename Visit> void for_each_object(Visit &&visit) const
	{
		detail::walk<std::remove_reference_t<Visit>> walk(visit);

		if (vmem_walk(handle_, walk.step, &walk) < 0)
			detail::throw_error(errno);
		walk.end();
	}

	/* give to others what this thread keeps for its next allocations */
	void flush_thread() const noexcept
	{
		(void)vmem_thread_flush(handle_);
	}

	/* bytes of an object that may be used; 0 for what is none */
	std::size_t usable_size(void *ptr) const noexcept
	{
		return vmem_malloc_usable_size(handle_, ptr);
	}

	/*
	 * Are the pool's metadata consistent?  When not, vmem_errormsg() has
	 * the first finding; others wait meanwhile.
	 *
	 * Throws  std::system_error when that could not be checked.
	 */
	bool check() const
	{
		const int verdict = vmem_check(handle_);

		if (verdict < 0)
			detail::throw_error(errno);
		return verdict == 1;
	}

	/* print statistics, to where vmem_stats_print() does */
	void print_stats(const char *opts = nullptr) const noexcept
	{
		vmem_stats_print(handle_, opts);
	}

private:
	explicit pool(VMEM *handle) noexcept : handle_(handle)
	{
	}

	static VMEM *made(VMEM *handle)
	{
		if (handle == nullptr)
			detail::throw_error(errno);
		return handle;
	}

	VMEM *handle_;
};

/*
 * vmem::allocator -- puts a container into a pool
 *
 * Made from a pool, implicitly, so that a container's constructor takes the
 * pool itself.  Equal are those of one pool.  A container that is assigned a
 * copy stays in its pool; one that is moved or swapped takes its pool along,
 * which costs nothing and moves no object.
 */
template <typename T> class allocator
{
public:
	using value_type = T;
	using propagate_on_container_copy_assignment = std::false_type;
	using propagate_on_container_move_assignment = std::true_type;
	using propagate_on_container_swap = std::true_type;
	using is_always_equal = std::false_type;

	allocator(const pool &pool) noexcept : handle_(pool.get())
	{
	}

	explicit allocator(VMEM *handle) noexcept : handle_(handle)
	{
	}

	template <typename U>
	allocator(const allocator<U> &other) noexcept : handle_(other.handle())
	{
	}

	/* Throws std::bad_array_new_length, std::bad_alloc. */
	[[nodiscard]] T *allocate(std::size_t count)
	{
		return static_cast<T *>(detail::allocate(handle_,
			detail::array_size(count, sizeof(T)), alignof(T)));
	}

	void deallocate(T *ptr, std::size_t count) noexcept
	{
		vmem_free_sized(handle_, ptr, count * sizeof(T));
	}

	/* the pool's handle */
	VMEM *handle() const noexcept
	{
		return handle_;
	}

private:
	VMEM *handle_;
};

template <typename T, typename U>
bool
operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return a.handle() == b.handle();
}

template <typename T, typename U>
bool
operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return !(a == b);
}

#ifdef LIBVMEM_HAS_MEMORY_RESOURCE
/*
 * vmem::memory_resource -- puts the containers of std::pmr into a pool
 *
 * Resources of one pool are equal.  It must live as long as the containers do.
 * All of its functions may be called by many threads at once.  Whether another
 * resource is one of these only RTTI can tell, so it is not there without.
 */
class memory_resource final : public std::pmr::memory_resource
{
public:
	explicit memory_resource(const pool &pool) noexcept
	    : handle_(pool.get())
	{
	}

	explicit memory_resource(VMEM *handle) noexcept : handle_(handle)
	{
	}

	memory_resource(const memory_resource &) = default;
	memory_resource &operator=(const memory_resource &) = default;

private:
	void *do_allocate(std::size_t size, std::size_t alignment) override
	{
		return detail::allocate(handle_, size, alignment);
	}

	void do_deallocate(void *ptr, std::size_t size, std::size_t) override
	{
		vmem_free_sized(handle_, ptr, size);
	}

	bool do_is_equal(
		const std::pmr::memory_resource &other) const noexcept override
	{
		const auto *same =
			dynamic_cast<const memory_resource *>(&other);

		return same != nullptr && same->handle_ == handle_;
	}

	VMEM *handle_;
};
#endif

/*
 * vmem::deleter -- destroys and frees what make_unique() made
 *
 * As std::default_delete does, it converts from a derived class to a base
 * class, which must have a virtual destructor.
 */
template <typename T> class deleter
{
public:
	/* for empty pointers */
	deleter() noexcept = default;

	explicit deleter(VMEM *handle) noexcept : handle_(handle)
	{
	}

	template <typename U,
		typename = std::enable_if_t<
			std::is_convertible_v<U *, T *> &&
			(std::has_virtual_destructor_v<T> ||
				std::is_same_v<std::remove_cv_t<U>,
					std::remove_cv_t<T>>)>>
	deleter(const deleter<U> &other) noexcept : handle_(other.handle())
	{
	}

	void operator()(T *ptr) const noexcept
	{
		const volatile void *start = ptr;

		/* a base class need not be at the object's start */
		if constexpr (std::is_polymorphic_v<T>)
			start = dynamic_cast<const volatile void *>(ptr);
		std::destroy_at(ptr);
		vmem_free(handle_, const_cast<void *>(start));
	}

	/* the pool's handle */
	VMEM *handle() const noexcept
	{
		return handle_;
	}

private:
	VMEM *handle_ = nullptr;
};

/* the same for an array, whose length it knows */
template <typename T> class deleter<T[]>
{
public:
	/* for empty pointers */
	deleter() noexcept = default;

	deleter(VMEM *handle, std::size_t count) noexcept
	    : handle_(handle), count_(count)
	{
	}

	/* an array of the same type, if need be as one of constants */
	template <typename U, typename = std::enable_if_t<
				      std::is_convertible_v<U (*)[], T (*)[]>>>
	deleter(const deleter<U[]> &other) noexcept
	    : handle_(other.handle()), count_(other.size())
	{
	}

	void operator()(T *ptr) const noexcept
	{
		std::destroy_n(ptr, count_);
		vmem_free(handle_, const_cast<std::remove_cv_t<T> *>(ptr));
	}

	/* the pool's handle */
	VMEM *handle() const noexcept
	{
		return handle_;
	}

	/* how many objects the array has */
	std::size_t size() const noexcept
	{
		return count_;
	}

private:
	VMEM *handle_ = nullptr;
	std::size_t count_ = 0;
};

} /* namespace libvmem */

struct vmem {
	vmem() = delete;

	using pool = libvmem::pool;
#ifdef LIBVMEM_HAS_MEMORY_RESOURCE
	using memory_resource = libvmem::memory_resource;
#endif
	template <typename T> using allocator = libvmem::allocator<T>;
	template <typename T> using deleter = libvmem::deleter<T>;

	/* vmem::unique_ptr -- owns an object, or with T[] an array */
	template <typename T> using unique_ptr = std::unique_ptr<T, deleter<T>>;

	/*
	 * vmem::make_unique<T> -- an object in a pool, made from the arguments
	 *
	 * Throws  std::bad_alloc; what T's constructor throws, and then the
	 * memory is freed.
	 */
	template <typename T, typename... Args>
	static std::enable_if_t<!std::is_array_v<T>, unique_ptr<T>> make_unique(
		const pool &pool, Args &&...args)
	{
		return unique_ptr<T>(libvmem::detail::make<T>(pool.get(),
					     std::forward<Args>(args)...),
			deleter<T>(pool.get()));
	}

	/*
	 * vmem::make_unique<T[]> -- an array of value-initialized objects in a
	 * pool
	 *
	 * Throws  std::bad_array_new_length, std::bad_alloc; what T's
	 * constructor throws, and then those already made are destroyed.
	 */
	template <typename T>
	static std::enable_if_t<std::is_array_v<T> && std::extent_v<T> == 0,
		unique_ptr<T>>
	make_unique(const pool &pool, std::size_t count)
	{
		using element = std::remove_cv_t<std::remove_extent_t<T>>;

		return unique_ptr<T>(
			libvmem::detail::make_array<element>(pool.get(), count),
			deleter<T>(pool.get(), count));
	}

	/*
	 * vmem::make_shared<T> -- an object and its count of owners, both in a
	 * pool
	 *
	 * Throws  std::bad_alloc; what T's constructor throws.
	 */
	template <typename T, typename... Args>
	static std::shared_ptr<T> make_shared(const pool &pool, Args &&...args)
	{
		return std::allocate_shared<T>(
			allocator<T>(pool), std::forward<Args>(args)...);
	}
};

#endif /* libvmem.hpp */
