# SPDX-License-Identifier: BSD-3-Clause
#
# What `make install` puts where.  Both the pkg-config file and the CMake
# package find the rest from where they lie, so an installed tree can move.

include(CMakePackageConfigHelpers)

set(debug_libdir ${CMAKE_INSTALL_LIBDIR}/vmem_debug)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vmem)

install(TARGETS vmem vmem_static EXPORT vmemTargets
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(VMEM_DEBUG_FLAVOUR)
	install(TARGETS vmem_debug vmem_debug_static
		LIBRARY DESTINATION ${debug_libdir}
		ARCHIVE DESTINATION ${debug_libdir})
endif()
if(TARGET vmmalloc)
	install(TARGETS vmmalloc EXPORT vmemTargets
		LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET vmmalloc_debug)
	install(TARGETS vmmalloc_debug LIBRARY DESTINATION ${debug_libdir})
endif()
if(TARGET vmem_cli)
	install(TARGETS vmem_cli DESTINATION ${CMAKE_INSTALL_BINDIR})
	install(FILES ${PROJECT_SOURCE_DIR}/completions/vmem DESTINATION
		${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()

file(GLOB headers CONFIGURE_DEPENDS
	${PROJECT_SOURCE_DIR}/include/*.h ${PROJECT_SOURCE_DIR}/include/*.hpp)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

foreach(section RANGE 1 8)
	file(GLOB pages CONFIGURE_DEPENDS
		${PROJECT_SOURCE_DIR}/man/*.${section})
	if(pages)
		install(FILES ${pages}
			DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endif()
endforeach()

# a page is found by each name of its NAME section: functions in section 3
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.[37])
foreach(page IN LISTS pages)
	get_filename_component(file ${page} NAME)
	string(REGEX REPLACE ".*[.]" "" section ${file})
	file(READ ${page} text)
	string(REGEX REPLACE "[\n][.]Nd.*" "" text "${text}")
	string(REGEX MATCHALL "[\n][.]Nm [a-z_]+" names "${text}")
	foreach(name IN LISTS names)
		string(REGEX REPLACE ".* " "" name "${name}")
		if(NOT file MATCHES "^${name}[.]")
			set(link ${PROJECT_BINARY_DIR}/man/${name}.3)
			file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
			file(CREATE_LINK ../man${section}/${file} ${link}
				SYMBOLIC)
			install(FILES ${link}
				DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
		endif()
	endforeach()
endforeach()

# the way from the folder of the .pc files back to the prefix
file(RELATIVE_PATH pc_to_prefix
	/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
foreach(library IN ITEMS vmem vmmalloc)
	set(template ${PROJECT_SOURCE_DIR}/cmake/lib${library}.pc.in)
	if(TARGET ${library} AND EXISTS ${template})
		set(pc ${PROJECT_BINARY_DIR}/lib${library}.pc)
		configure_file(${template} ${pc} @ONLY)
		install(FILES ${pc}
			DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
	endif()
endforeach()

install(EXPORT vmemTargets NAMESPACE vmem:: DESTINATION ${package_dir})
write_basic_package_version_file(vmemConfigVersion.cmake
	COMPATIBILITY SameMajorVersion)
configure_package_config_file(
	${PROJECT_SOURCE_DIR}/cmake/vmemConfig.cmake.in
	${PROJECT_BINARY_DIR}/vmemConfig.cmake
	INSTALL_DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/vmemConfig.cmake
	${PROJECT_BINARY_DIR}/vmemConfigVersion.cmake
	DESTINATION ${package_dir})
