# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_test_cxx(LABEL) -- a test for each .cpp of a folder of test/, on the
# shared library and its public headers.  main.cpp is linked into each.
#
# To be included by test/CMakeLists.txt: nothing else of the project needs a
# C++ compiler.  Without one, or without doctest, they are left out.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

function(vmem_test_cxx label)
	find_path(DOCTEST_INCLUDE_DIR doctest/doctest.h)
	if(NOT DOCTEST_INCLUDE_DIR)
		message(STATUS "no doctest here: the C++ tests are left out")
		return()
	endif()
	find_package(Threads REQUIRED)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${label})
	add_library(${label}_main OBJECT ${folder}/main.cpp)
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.cpp)
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		if(name STREQUAL "main")
			continue()
		endif()
		set(target ${label}_${name})
		add_executable(${target} ${file}
			$<TARGET_OBJECTS:${label}_main>)
		target_link_libraries(${target} PRIVATE
			vmem vmem_warnings Threads::Threads)
		set_target_properties(${target} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY
			${PROJECT_BINARY_DIR}/bin/test)
		vmem_test_options(options ${file})
		vmem_test_name(test ${label} ${name})
		add_test(NAME ${test} COMMAND ${target})
		vmem_test_properties(${test} ${label} ${options})
	endforeach()
endfunction()
