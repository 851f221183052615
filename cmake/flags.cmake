# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_flags -- how every C file of the project is compiled
# vmem_warnings -- the warnings; their own target, so that tests share them

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)

# No -DNDEBUG: the library's own ASSERT() follows VMEM_DEBUG.  No -O3: it
# makes the code larger and not faster.
foreach(language IN ITEMS C CXX)
	set(CMAKE_${language}_FLAGS_RELEASE "-O2 -g")
	set(CMAKE_${language}_FLAGS_DEBUG "-O0 -g3")
	set(CMAKE_${language}_FLAGS_SANITIZE "-O1 -g -fno-omit-frame-pointer")
endforeach()

# What is installed is the same wherever it was built.  (Of several matching
# prefixes the last one counts.)
foreach(map IN ITEMS ${PROJECT_SOURCE_DIR}/= ${PROJECT_BINARY_DIR}=build)
	add_compile_options($<$<CONFIG:Release>:-ffile-prefix-map=${map}>)
endforeach()

add_library(vmem_warnings INTERFACE)
target_compile_options(vmem_warnings INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef
	-Wcast-qual -Wwrite-strings -Wpointer-arith -Wvla
	$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>
	$<$<C_COMPILER_ID:Clang>:-Wthread-safety>
	$<$<BOOL:${WERROR}>:-Werror>)

add_library(vmem_flags INTERFACE)
target_compile_definitions(vmem_flags INTERFACE _GNU_SOURCE)
target_include_directories(vmem_flags INTERFACE
	${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
include(${CMAKE_CURRENT_LIST_DIR}/hardening.cmake)
target_link_libraries(vmem_flags INTERFACE vmem_warnings vmem_hardening)

if(VMEM_SANITIZE)
	add_compile_options(-fsanitize=${VMEM_SANITIZE}
		-fno-sanitize-recover=all)
	add_link_options(-fsanitize=${VMEM_SANITIZE})
	# that it does not model fences is said, but is no fault of the code
	add_compile_options($<$<C_COMPILER_ID:GNU>:-Wno-error=tsan>)
endif()

if(VMEM_COVERAGE)
	add_compile_options(--coverage -fprofile-update=atomic)
	add_link_options(--coverage)
endif()

if(VMEM_YIELD)
	target_compile_definitions(vmem_flags INTERFACE VMEM_YIELD)
endif()

if(VMEM_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# A program finds the library of its own build tree, and LD_LIBRARY_PATH goes
# before that: so a test can be run on the debug flavour.
add_link_options(LINKER:--enable-new-dtags)
