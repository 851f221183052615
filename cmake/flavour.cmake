# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_flavour(NAME FOLDER DEFINITION) -- one flavour of the library
#
# NAME        of the shared target; the static one is NAME_static, and
#             NAME_core is an archive with inner names still reachable
# FOLDER      where in the build tree the files go
# DEFINITION  a macro for the compiler, or nothing

set(VMEM_CORE_LAYERS base backing run slab tcache profile pool)

# vmem_sources(VARIABLE FOLDER...) -- the .c files of folders of src/
function(vmem_sources variable)
	set(found)
	foreach(folder IN LISTS ARGN)
		file(GLOB here CONFIGURE_DEPENDS
			${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
		list(APPEND found ${here})
	endforeach()
	set(${variable} ${found} PARENT_SCOPE)
endfunction()

# vmem_objects(NAME DEFINITION FOLDER...) -- compile folders of src/
function(vmem_objects name definition)
	vmem_sources(sources ${ARGN})
	if(NOT VMEM_YIELD)
		list(FILTER sources EXCLUDE REGEX "/base/yield\\.c$")
	endif()
	add_library(${name} OBJECT ${sources})
	target_link_libraries(${name} PRIVATE vmem_flags)
	target_compile_definitions(${name} PRIVATE ${definition})
	if(VMEM_ASSERTIONS)
		target_compile_definitions(${name} PRIVATE VMEM_DEBUG)
	endif()
	set_target_properties(${name} PROPERTIES
		POSITION_INDEPENDENT_CODE ON
		C_VISIBILITY_PRESET hidden)
endfunction()

# vmem_shared(NAME OUTPUT FOLDER MAP OBJECTS...) -- a shared library that
# exports what its version script lists, and cannot be unloaded: threads may
# still hold caches when the last user closes it
function(vmem_shared name output folder map)
	add_library(${name} SHARED ${ARGN})
	set_target_properties(${name} PROPERTIES
		OUTPUT_NAME ${output}
		LINKER_LANGUAGE C
		VERSION ${PROJECT_VERSION}
		SOVERSION ${PROJECT_VERSION_MAJOR}
		LINK_DEPENDS ${map}
		LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
	target_link_options(${name} PRIVATE
		LINKER:--version-script=${map}
		LINKER:-z,nodelete)
	vmem_harden_library(${name})
	# clang leaves the sanitizers' names to the program
	if(NOT (VMEM_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "Clang"))
		target_link_options(${name} PRIVATE LINKER:-z,defs)
	endif()
endfunction()

# vmem_static(NAME OUTPUT FOLDER OBJECTS...) -- an archive with one object in
# which all names but the exported ones are local: a plain archive would let a
# program's own function take the place of an inner one of the same name
function(vmem_static name output folder)
	set(objects ${ARGN})
	# the sanitizers and the coverage counters need the objects as they are
	if(NOT VMEM_SANITIZE AND NOT VMEM_COVERAGE)
		set(one ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
		add_custom_command(OUTPUT ${one}
			COMMAND ${CMAKE_LINKER} -r -o ${one} ${objects}
			COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${one}
			DEPENDS ${objects}
			COMMAND_EXPAND_LISTS VERBATIM
			COMMENT "Localizing the inner names of ${name}")
		set(objects ${one})
	endif()
	add_library(${name} STATIC ${objects})
	set_source_files_properties(${objects} PROPERTIES
		EXTERNAL_OBJECT ON GENERATED ON)
	set_target_properties(${name} PROPERTIES
		OUTPUT_NAME ${output}
		LINKER_LANGUAGE C
		ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

function(vmem_flavour name folder definition)
	vmem_objects(${name}_core_objects "${definition}" ${VMEM_CORE_LAYERS})
	vmem_objects(${name}_face_objects "${definition}" libvmem)
	set(objects $<TARGET_OBJECTS:${name}_core_objects>
		$<TARGET_OBJECTS:${name}_face_objects>)

	vmem_shared(${name} vmem ${folder}
		${PROJECT_SOURCE_DIR}/src/libvmem/libvmem.map ${objects})
	vmem_static(${name}_static vmem ${folder} ${objects})
	foreach(target IN ITEMS ${name} ${name}_static)
		target_include_directories(${target} PUBLIC
			$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
			$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
	endforeach()

	add_library(${name}_core STATIC ${objects})
	set_target_properties(${name}_core PROPERTIES LINKER_LANGUAGE C
		ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

	if(EXISTS ${PROJECT_SOURCE_DIR}/src/libvmmalloc/libvmmalloc.map)
		vmem_preload(${name} ${folder} "${definition}")
	endif()
endfunction()

# vmem_preload(FLAVOUR FOLDER DEFINITION) -- libvmmalloc: the core once more,
# under the names of malloc and its family
function(vmem_preload flavour folder definition)
	string(REPLACE vmem vmmalloc name ${flavour})
	vmem_objects(${name}_face_objects "${definition}" libvmmalloc)
	# the compiler must not turn our malloc and memset into our calloc
	target_compile_options(${name}_face_objects PRIVATE -fno-builtin)
	vmem_shared(${name} vmmalloc ${folder}
		${PROJECT_SOURCE_DIR}/src/libvmmalloc/libvmmalloc.map
		$<TARGET_OBJECTS:${flavour}_core_objects>
		$<TARGET_OBJECTS:${name}_face_objects>)
	# its constructor is the first of all, see src/libvmmalloc/boot.c
	target_link_options(${name} PRIVATE LINKER:-z,initfirst)
	target_include_directories(${name} PUBLIC
		$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
		$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()
