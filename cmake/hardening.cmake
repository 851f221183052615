# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_hardening -- what compiler and linker do against who attacks a program
#
# vmem_harden_library(TARGET), vmem_harden_command(TARGET) -- how what is
# installed is linked.  tools/check-hardened looks at what comes of it.
#
# Not with the sanitizers, which watch the same things more closely.

include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(vmem_hardening INTERFACE)
set(VMEM_MARKS)
if(NOT VMEM_SANITIZE AND NOT VMEM_COVERAGE)
	# the last two: where an indirect jump and a return may end
	foreach(flag IN ITEMS -fstack-protector-strong
		-fstack-clash-protection -fcf-protection=full
		-mbranch-protection=standard)
		string(MAKE_C_IDENTIFIER "VMEM_HAS${flag}" has)
		check_c_compiler_flag("-Werror ${flag}" ${has})
		if(${has})
			target_compile_options(vmem_hardening INTERFACE ${flag})
		endif()
	endforeach()
	# it needs an optimizing compiler, and some compilers have it on
	target_compile_options(vmem_hardening INTERFACE
		$<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>)
endif()
if(VMEM_HAS_fcf_protection_full)
	set(VMEM_MARKS LINKER:-z,shstk)
endif()

function(vmem_harden_library target)
	target_link_options(${target} PRIVATE
		LINKER:-z,relro,-z,now,-z,noexecstack ${VMEM_MARKS})
	# The linker marks what is all made of marked objects.  libc's crti.o
	# often is not; of what it has _init and _fini alone are called by their
	# addresses, and without them, which do nothing, the mark is true.
	if(VMEM_HAS_fcf_protection_full)
		target_link_options(${target} PRIVATE LINKER:-z,ibt
			LINKER:-init=vmem_no_init,-fini=vmem_no_fini)
	endif()
endfunction()

# The program's _start is libc's own as well, and cannot be left out: the
# command is not marked for indirect jumps where libc is not.
function(vmem_harden_command target)
	set_target_properties(${target} PROPERTIES
		POSITION_INDEPENDENT_CODE ON)
	target_link_options(${target} PRIVATE
		LINKER:-z,relro,-z,now,-z,noexecstack ${VMEM_MARKS})
endfunction()
