# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_command() -- the command `vmem`
#
# What looks into running programs (src/inspect, and the commands list, stats,
# top, check and map) needs libraries that nothing else here needs; without
# them the command is built without these parts.

# vmem_command_library(PACKAGE FILE) -- link a library of pkg-config's into the
# command; without it FILE_none.c takes the place of FILE.c
function(vmem_command_library package file)
	set(none ${file}_none)
	if(PkgConfig_FOUND)
		pkg_check_modules(CLI_${package} QUIET IMPORTED_TARGET
			${package})
	endif()
	if(CLI_${package}_FOUND)
		target_link_libraries(vmem_cli PRIVATE
			PkgConfig::CLI_${package})
	else()
		message(STATUS "no ${package} here: `vmem devices` has less")
		set(none ${file})
	endif()
	# GLOB has found both
	set_source_files_properties(${PROJECT_SOURCE_DIR}/src/cli/${none}.c
		PROPERTIES HEADER_FILE_ONLY ON)
endfunction()

function(vmem_command)
	find_package(PkgConfig QUIET)
	if(PkgConfig_FOUND)
		pkg_check_modules(CURSES QUIET IMPORTED_TARGET ncursesw)
		pkg_check_modules(CAIRO QUIET IMPORTED_TARGET cairo)
		pkg_check_modules(JANSSON QUIET IMPORTED_TARGET jansson)
		pkg_check_modules(ELF QUIET IMPORTED_TARGET libelf libdw)
	endif()
	vmem_sources(sources cli)
	add_executable(vmem_cli)
	if(CURSES_FOUND AND CAIRO_FOUND AND JANSSON_FOUND AND ELF_FOUND)
		vmem_inspect()
		target_compile_definitions(vmem_cli PRIVATE VMEM_INSPECT)
		target_link_libraries(vmem_cli PRIVATE vmem_inspect
			PkgConfig::CURSES PkgConfig::CAIRO PkgConfig::JANSSON m)
		# the page that becomes a part of the command
		set(page ${PROJECT_SOURCE_DIR}/src/cli/map_page.html)
		set_source_files_properties(
			${PROJECT_SOURCE_DIR}/src/cli/map_html.c PROPERTIES
			COMPILE_DEFINITIONS MAP_PAGE="${page}"
			OBJECT_DEPENDS ${page})
	else()
		message(STATUS "no ncursesw, cairo, jansson, libelf or libdw here: "
			"the command cannot look into programs")
		list(FILTER sources EXCLUDE REGEX
			"/(cmd_(check|list|map|profile|stats|top)|map_.*|target|top_.*)\\.c$")
	endif()
	target_sources(vmem_cli PRIVATE ${sources})
	set_target_properties(vmem_cli PROPERTIES OUTPUT_NAME vmem)
	target_link_libraries(vmem_cli PRIVATE vmem_flags)
	vmem_harden_command(vmem_cli)
	vmem_command_library(libdaxctl dax_list)
	vmem_command_library(numa numa_list)
	vmem_command_library(jansson holders_json)
	# where the preload library is, seen from the command
	file(RELATIVE_PATH libdir
		${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
	target_compile_definitions(vmem_cli PRIVATE
		VMEM_VERSION="${PROJECT_VERSION}" VMEM_LIBDIR="${libdir}")
endfunction()

# vmem_inspect() -- the layer between the command and the engine
function(vmem_inspect)
	vmem_sources(sources inspect)
	add_library(vmem_inspect STATIC ${sources})
	set_target_properties(vmem_inspect PROPERTIES
		POSITION_INDEPENDENT_CODE ON)
	target_link_libraries(vmem_inspect
		PRIVATE vmem_flags PUBLIC vmem_core PkgConfig::ELF)
endfunction()
