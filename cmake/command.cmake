# SPDX-License-Identifier: BSD-3-Clause
#
# vmem_command() -- the command `vmem`, once it has sources

function(vmem_command)
	vmem_sources(sources cli)
	if(NOT sources)
		return()
	endif()
	add_executable(vmem_cli ${sources})
	set_target_properties(vmem_cli PROPERTIES OUTPUT_NAME vmem)
	target_link_libraries(vmem_cli PRIVATE vmem_flags)
	# where the preload library is, seen from the command
	file(RELATIVE_PATH libdir
		${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
	target_compile_definitions(vmem_cli PRIVATE
		VMEM_VERSION="${PROJECT_VERSION}" VMEM_LIBDIR="${libdir}")
endfunction()
