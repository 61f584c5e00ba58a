# SPDX-License-Identifier: Apache-2.0
# plyfs_tier(NAME SOURCES a.c b.c DEPENDS lower...): one tier is one static library with one include root,
# src/NAME/include. DEPENDS names the tiers directly below; their include roots come along, no other does.
function(plyfs_tier name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(plyfs_${name} STATIC ${arg_SOURCES})
  target_include_directories(plyfs_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include)
  target_link_libraries(plyfs_${name} PUBLIC plyfs_flags ${arg_LIBRARIES})
  foreach(below ${arg_DEPENDS})
    target_link_libraries(plyfs_${name} PUBLIC plyfs_${below})
  endforeach()
endfunction()
