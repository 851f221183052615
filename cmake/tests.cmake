# SPDX-License-Identifier: BSD-3-Clause
#
# How test/CMakeLists.txt makes tests out of files.

# VMEM_VARIANT -- "asan", "tsan", "valgrind", "coverage", "yield", or nothing: how
# this build tree watches its tests; their names start with it
set(VMEM_VARIANT "")
if(VMEM_SANITIZE MATCHES "address")
	set(VMEM_VARIANT asan)
elseif(VMEM_SANITIZE MATCHES "thread")
	set(VMEM_VARIANT tsan)
elseif(CMAKE_CROSSCOMPILING_EMULATOR MATCHES "valgrind")
	set(VMEM_VARIANT valgrind)
elseif(VMEM_COVERAGE)
	set(VMEM_VARIANT coverage)
elseif(VMEM_YIELD)
	set(VMEM_VARIANT yield)
elseif(CMAKE_CROSSCOMPILING)
	set(VMEM_VARIANT ${CMAKE_SYSTEM_PROCESSOR})
endif()

set(VMEM_TEST_TIMEOUT 60)
set(VMEM_TEST_ENVIRONMENT
	SRC=${PROJECT_SOURCE_DIR}
	BUILD=${PROJECT_BINARY_DIR}
	VMEM_TEST_VARIANT=${VMEM_VARIANT}
	ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
	UBSAN_OPTIONS=print_stacktrace=1
	# what is watched is the library as it runs elsewhere; test/guard/ has
	# the tests of the other way
	VMEM_GUARD=0
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)

# vmem_test_harness() -- what all tests share, compiled once
function(vmem_test_harness)
	file(GLOB files CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/harness/*.c)
	add_library(vmem_harness OBJECT ${files})
	target_link_libraries(vmem_harness PRIVATE vmem_flags PkgConfig::CMOCKA)
	target_include_directories(vmem_harness PRIVATE
		${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# vmem_test_options(VARIABLE FILE) -- the words of FILE's "ctest:" comment
function(vmem_test_options variable file)
	file(STRINGS ${file} line LIMIT_COUNT 1 REGEX "ctest: [a-z]")
	file(STRINGS ${file} lost REGEX "^ [*] (timeout=|not-|(serial|threads|long)$)")
	if(lost)
		message(FATAL_ERROR "${file}: not in the line of ctest: ${lost}")
	endif()
	string(REGEX REPLACE ".*ctest: " "" line "${line}")
	string(REGEX MATCHALL "[a-z][a-z0-9-]*(=[0-9]+)?" words "${line}")
	set(${variable} ${words} PARENT_SCOPE)
endfunction()

# vmem_test_properties(TEST LABEL OPTIONS...)
function(vmem_test_properties test label)
	set(timeout ${VMEM_TEST_TIMEOUT})
	if("${ARGN}" MATCHES "timeout=([0-9]+)")
		set(timeout ${CMAKE_MATCH_1})
	endif()
	if(VMEM_VARIANT STREQUAL "valgrind")
		math(EXPR timeout "${timeout} * 10")
	elseif(VMEM_VARIANT)
		math(EXPR timeout "${timeout} * 3")
	endif()
	set(labels ${label} ${VMEM_VARIANT})
	foreach(word threads long)
		if(${word} IN_LIST ARGN)
			list(APPEND labels ${word})
		endif()
	endforeach()
	set_tests_properties(${test} PROPERTIES
		LABELS "${labels}"
		TIMEOUT ${timeout}
		SKIP_RETURN_CODE 77
		ENVIRONMENT "${VMEM_TEST_ENVIRONMENT}")
	if("serial" IN_LIST ARGN)
		set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
	endif()
endfunction()

# vmem_test_name(VARIABLE LABEL NAME) -- what ctest calls it
function(vmem_test_name variable label name)
	if(VMEM_VARIANT)
		set(${variable} ${VMEM_VARIANT}/${label}/${name} PARENT_SCOPE)
	else()
		set(${variable} ${label}/${name} PARENT_SCOPE)
	endif()
endfunction()

# vmem_test_program(TARGET FILE LIBRARY...) -- compile and link a test
function(vmem_test_program target file)
	add_executable(${target} ${file})
	target_link_libraries(${target} PRIVATE ${ARGN} vmem_harness
		vmem_warnings PkgConfig::CMOCKA)
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
	# inner headers only where inner functions can be linked
	if("vmem_core" IN_LIST ARGN OR "vmem_inspect" IN_LIST ARGN)
		target_link_libraries(${target} PRIVATE vmem_flags)
	endif()
	target_include_directories(${target} PRIVATE
		${PROJECT_SOURCE_DIR}/test)
	if(VMEM_ASSERTIONS)
		target_compile_definitions(${target} PRIVATE VMEM_DEBUG)
	endif()
	if(VMEM_YIELD)
		target_compile_definitions(${target} PRIVATE VMEM_YIELD)
	endif()
	set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
		${PROJECT_BINARY_DIR}/bin/test)
endfunction()

# vmem_test_folder(LABEL PATTERN LIBRARY) -- a test for each file of a folder
function(vmem_test_folder label pattern library)
	file(GLOB files CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/${label}/${pattern})
	set(names)
	foreach(file IN LISTS files)
		vmem_test_options(options ${file})
		if("not-${VMEM_VARIANT}" IN_LIST options)
			continue()
		endif()
		# what has one thread meets nobody
		if(VMEM_VARIANT STREQUAL "yield" AND NOT "threads" IN_LIST options)
			continue()
		endif()
		get_filename_component(name ${file} NAME_WE)
		vmem_test_program(${label}_${name} ${file} ${library})
		vmem_test_name(test ${label} ${name})
		add_test(NAME ${test} COMMAND ${label}_${name})
		vmem_test_properties(${test} ${label} ${options})
	endforeach()
endfunction()

# vmem_guest_programs(LABEL LIBRARY) -- programs that are no tests here: they
# need a machine with other devices
function(vmem_guest_programs label library)
	file(GLOB files CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/${label}/*.c)
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		vmem_test_program(${label}_${name} ${file} ${library})
	endforeach()
endfunction()

# vmem_plain_programs(LABEL) -- programs on libc alone, that shell tests run;
# object_NAME.c is a shared object that they open, linked_NAME.c a program that
# is linked with libvmmalloc; .cpp is C++, left out without a compiler for it.  A
# comment "link: OPTION..." is for the linker.
function(vmem_plain_programs label)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${label})
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
	if(CMAKE_CXX_COMPILER)
		file(GLOB more CONFIGURE_DEPENDS ${folder}/*.cpp)
		list(APPEND files ${more})
	endif()
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		set(target ${label}_${name})
		if(name MATCHES "^object_")
			add_library(${target} MODULE ${file})
			set_target_properties(${target} PROPERTIES PREFIX ""
				BUILD_RPATH "$ORIGIN" LIBRARY_OUTPUT_DIRECTORY
				${PROJECT_BINARY_DIR}/bin/test)
		else()
			add_executable(${target} ${file})
			set_target_properties(${target} PROPERTIES
				RUNTIME_OUTPUT_DIRECTORY
				${PROJECT_BINARY_DIR}/bin/test)
		endif()
		if(name MATCHES "^linked_" AND TARGET vmmalloc)
			target_link_libraries(${target} PRIVATE
				-Wl,--no-as-needed vmmalloc)
		endif()
		file(STRINGS ${file} link LIMIT_COUNT 1 REGEX " link: ")
		string(REGEX REPLACE ".* link: " "" link "${link}")
		separate_arguments(link)
		target_link_options(${target} PRIVATE ${link})
		target_link_libraries(${target} PRIVATE vmem_warnings)
		target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
		# the calls are what is tested: none may be left out
		target_compile_options(${target} PRIVATE -fno-builtin)
	endforeach()
endfunction()

# vmem_view_programs() -- programs that the command looks into: on the shared
# library, and the same with the library linked statically
function(vmem_view_programs)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/view)
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		foreach(kind IN ITEMS vmem vmem_static)
			set(target view_${name})
			if(kind STREQUAL "vmem_static")
				set(target view_${name}_static)
			endif()
			add_executable(${target} ${file})
			target_link_libraries(${target}
				PRIVATE ${kind} vmem_warnings)
			target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
			set_target_properties(${target} PROPERTIES
				RUNTIME_OUTPUT_DIRECTORY
				${PROJECT_BINARY_DIR}/bin/test)
		endforeach()
	endforeach()
endfunction()

# vmem_test_again(FLAVOUR LABEL) -- run a folder's programs on another flavour
function(vmem_test_again flavour label)
	file(GLOB files CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/${label}/*.c)
	foreach(file IN LISTS files)
		vmem_test_options(options ${file})
		if("not-${flavour}" IN_LIST options
			OR "not-${VMEM_VARIANT}" IN_LIST options)
			continue()
		endif()
		get_filename_component(name ${file} NAME_WE)
		vmem_test_name(test ${flavour}/${label} ${name})
		add_test(NAME ${test} COMMAND ${label}_${name})
		vmem_test_properties(${test} ${label} ${options})
		set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
			LD_LIBRARY_PATH=${PROJECT_BINARY_DIR}/lib/vmem_${flavour})
	endforeach()
endfunction()

# vmem_test_scripts(LABEL [FOLDER]) -- a test for each .sh of a folder
function(vmem_test_scripts label)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${label})
	if(ARGC GREATER 1)
		set(folder ${ARGV1})
	endif()
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sh)
	foreach(file IN LISTS files)
		vmem_test_options(options ${file})
		if("not-${VMEM_VARIANT}" IN_LIST options)
			continue()
		endif()
		get_filename_component(name ${file} NAME_WE)
		vmem_test_name(test ${label} ${name})
		add_test(NAME ${test} COMMAND ${file} ${PROJECT_SOURCE_DIR}
			${PROJECT_BINARY_DIR})
		vmem_test_properties(${test} ${label} ${options})
	endforeach()
endfunction()

# vmem_fault_tests() -- tests whose system calls are made by fault/kit/: of what
# is linked statically, by the names in call.h.  The same of the preload library
# is bin/test/libvmmalloc_faulty.so.  fault/covered looks at what has failed in all
# of these tests.
function(vmem_fault_tests)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/fault)
	set(kit ${folder}/kit/fault.c ${folder}/kit/wrap.c)
	vmem_test_folder(fault "*.c" vmem_core)
	file(STRINGS ${folder}/kit/call.h lines REGEX "^\tCALL\\(")
	string(REGEX MATCHALL "CALL\\([a-z_]+" names "${lines}")
	list(TRANSFORM names REPLACE "CALL.(.*)" "LINKER:--wrap=\\1")
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		if(NOT TARGET fault_${name})
			continue()
		endif()
		target_sources(fault_${name} PRIVATE ${kit}
			${folder}/kit/scene.c)
		target_link_options(fault_${name} PRIVATE ${names})
		vmem_test_name(test fault ${name})
		set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
			FAULT_RECORD=${PROJECT_BINARY_DIR}/faults/${name})
		set_property(TEST ${test} PROPERTY FIXTURES_SETUP faults)
		set_property(TEST ${test} APPEND PROPERTY LABELS long)
	endforeach()
	file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/faults)
	if(VMEM_VARIANT OR NOT TARGET vmmalloc)
		return()
	endif()
	vmem_faulty_preload("${kit}" "${names}")
	# needs what the others have left
	vmem_test_scripts(fault)
	set_property(TEST fault/covered PROPERTY FIXTURES_REQUIRED faults)
endfunction()

# vmem_faulty_preload(KIT WRAPS) -- libvmmalloc, as it is but for its calls
function(vmem_faulty_preload kit wraps)
	add_library(vmmalloc_faulty SHARED ${kit}
		$<TARGET_OBJECTS:vmem_core_objects>
		$<TARGET_OBJECTS:vmmalloc_face_objects>)
	target_compile_definitions(vmmalloc_faulty PRIVATE _GNU_SOURCE)
	target_include_directories(vmmalloc_faulty PRIVATE
		${PROJECT_SOURCE_DIR}/test)
	set_target_properties(vmmalloc_faulty PROPERTIES
		LINKER_LANGUAGE C
		C_VISIBILITY_PRESET hidden
		LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/test)
	target_link_options(vmmalloc_faulty PRIVATE ${wraps}
		LINKER:--version-script=${PROJECT_SOURCE_DIR}/src/libvmmalloc/libvmmalloc.map
		LINKER:-z,nodelete LINKER:-z,initfirst LINKER:-z,now)
endfunction()

# vmem_soak() -- the program of soak/, which is no test: tools/run-soak runs it
function(vmem_soak)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/soak)
	find_package(Threads REQUIRED)
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
	vmem_test_program(soak "${files}" vmem)
	target_link_libraries(soak PRIVATE Threads::Threads)
endfunction()

# vmem_protocol_models() -- a test for each model of protocols/: *.pml is for
# spin, *.cpp a program on relacy
function(vmem_protocol_models)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/protocols)
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.pml)
	if(CMAKE_CXX_COMPILER)
		find_path(VMEM_RELACY relacy/relacy.hpp)
		file(GLOB programs CONFIGURE_DEPENDS ${folder}/*.cpp)
		if(VMEM_RELACY)
			list(APPEND files ${programs})
		endif()
	endif()
	foreach(file IN LISTS files)
		get_filename_component(name ${file} NAME_WE)
		set(program)
		if(file MATCHES "cpp$")
			set(program protocols_${name})
			add_executable(${program} ${file})
			# relacy's headers are as they are, and its macros too
			target_compile_options(${program} PRIVATE -O1 -w)
			set_target_properties(${program} PROPERTIES
				EXPORT_COMPILE_COMMANDS OFF
				RUNTIME_OUTPUT_DIRECTORY
				${PROJECT_BINARY_DIR}/bin/test)
			set(program $<TARGET_FILE:${program}>)
		endif()
		vmem_test_name(test protocols ${name})
		add_test(NAME ${test}
			COMMAND ${folder}/check-model ${file} ${program})
		vmem_test_properties(${test} protocols long timeout=600)
	endforeach()
endfunction()

# vmem_attack() -- the program of attack/, which the script beside it runs
function(vmem_attack)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/attack)
	find_package(Threads REQUIRED)
	file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
	add_executable(attack ${files})
	target_link_libraries(attack PRIVATE vmem vmem_warnings Threads::Threads)
	target_compile_definitions(attack PRIVATE _GNU_SOURCE)
	set_target_properties(attack PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/test)
endfunction()

# vmem_fuzz_target(NAME) -- fuzz/NAME.c on everything inner; with VMEM_FUZZ for
# the fuzzer, else with a main function that is given the corpus as a test
function(vmem_fuzz_target name)
	set(folder ${CMAKE_CURRENT_SOURCE_DIR}/fuzz)
	set(target fuzz_${name})
	add_executable(${target} ${folder}/${name}.c ${ARGN})
	target_link_libraries(${target} PRIVATE vmem_core vmem_flags
		Threads::Threads)
	target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/test)
	set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
		${PROJECT_BINARY_DIR}/bin/test)
	if(VMEM_FUZZ)
		target_link_options(${target} PRIVATE -fsanitize=fuzzer)
		return()
	endif()
	target_sources(${target} PRIVATE ${folder}/kit/replay.c)
	vmem_test_name(test fuzz ${name})
	add_test(NAME ${test} COMMAND ${target} ${folder}/corpus/${name})
	vmem_test_properties(${test} fuzz)
endfunction()

# vmem_fuzz_targets() -- all of them
function(vmem_fuzz_targets)
	find_package(Threads REQUIRED)
	file(GLOB calls CONFIGURE_DEPENDS
		${CMAKE_CURRENT_SOURCE_DIR}/fuzz/kit/calls_*.c)
	set(kit ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/kit)
	set(preload ${PROJECT_SOURCE_DIR}/src/libvmmalloc)
	vmem_fuzz_target(api ${calls} ${kit}/crew.c ${kit}/model.c)
	vmem_fuzz_target(options)
	vmem_fuzz_target(settings
		${preload}/settings.c ${preload}/tier_plan.c)
	target_link_options(fuzz_settings PRIVATE LINKER:--wrap=die)
	vmem_fuzz_target(sizes ${preload}/settings.c ${preload}/tier_plan.c
		${PROJECT_SOURCE_DIR}/src/cli/size.c)
	if(TARGET vmem_inspect)
		foreach(name IN ITEMS core reader)
			vmem_fuzz_target(${name})
			target_link_libraries(fuzz_${name}
				PRIVATE vmem_inspect)
		endforeach()
		vmem_fuzz_target(stats)
		target_link_libraries(fuzz_stats PRIVATE PkgConfig::JANSSON)
	endif()
endfunction()
