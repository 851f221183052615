# SPDX-License-Identifier: BSD-3-Clause
#
# A tool chain for arm64 on another processor: Debian's cross compiler, cmocka
# from where tools/arm64-sysroot has put it, and QEMU to run what is built.
# With QEMU_PAGESIZE=65536 in the environment it sees system pages of that size.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER NOTFOUND) # the tests in C++ are left out

set(VMEM_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-sysroot)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${VMEM_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${VMEM_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)

find_program(VMEM_QEMU NAMES qemu-aarch64-static qemu-aarch64 REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${VMEM_QEMU} -L /usr/aarch64-linux-gnu)
