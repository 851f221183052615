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
	target_link_libraries(vmem_cli PRIVATE vmem vmem_flags)
endfunction()
