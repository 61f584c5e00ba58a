# SPDX-License-Identifier: Apache-2.0
# plyfs_link(LINK TARGET): makes a symbolic link. A link that is right already is left as it is, so that a user can configure again what root
# configured.
function(plyfs_link link target)
  set(now "")
  if(IS_SYMLINK ${link})
    file(READ_SYMLINK ${link} now)
  endif()
  if(NOT now STREQUAL target)
    get_filename_component(folder ${link} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    file(CREATE_LINK ${target} ${link} SYMBOLIC)
  endif()
endfunction()

# plyfs_tier(NAME SOURCES a.c b.c [ROOMS r...] [PREFIX p] [DEPENDS lower...] [LIBRARIES l...]): one tier is one static library. Its contracts are
# the headers of include/PREFIX (PREFIX is NAME by default), its sources and private headers lie in src/NAME. DEPENDS names the
# tiers directly below. ROOMS names folders of src/NAME, lowest first: their files use no file of a later room, and none that lies in no
# room (unit.tier.circles.NAME).
#
# A tier is compiled with one include folder, include/NAME of the build tree. It holds a symbolic link to the contracts of the tier
# itself and of each tier below it, and no other. So an upward include finds no file (unit.tier.* tries every pair of tiers).
#
# Global properties, for tests: PLYFS_TIERS has the names of all tiers, PLYFS_TIER_NAME_PREFIX the folder below include/, and
# PLYFS_TIER_NAME_ROOMS its rooms and PLYFS_TIER_NAME_SEES the tiers whose contracts a tier may include.
function(plyfs_tier name)
  cmake_parse_arguments(arg "" "PREFIX" "SOURCES;ROOMS;DEPENDS;LIBRARIES" ${ARGN})
  if(NOT arg_PREFIX)
    set(arg_PREFIX ${name})
  endif()
  set(sees ${name})
  foreach(below ${arg_DEPENDS})
    get_property(below_sees GLOBAL PROPERTY PLYFS_TIER_${below}_SEES)
    list(APPEND sees ${below_sees})
  endforeach()
  list(REMOVE_DUPLICATES sees)
  set_property(GLOBAL APPEND PROPERTY PLYFS_TIERS ${name})
  set_property(GLOBAL PROPERTY PLYFS_TIER_${name}_PREFIX ${arg_PREFIX})
  set_property(GLOBAL PROPERTY PLYFS_TIER_${name}_ROOMS ${arg_ROOMS})
  set_property(GLOBAL PROPERTY PLYFS_TIER_${name}_SEES ${sees})

  set(folder ${PROJECT_BINARY_DIR}/include/${name})
  set(prefixes "")
  foreach(tier ${sees})
    get_property(prefix GLOBAL PROPERTY PLYFS_TIER_${tier}_PREFIX)
    list(APPEND prefixes ${prefix})
    plyfs_link(${folder}/${prefix} ${PROJECT_SOURCE_DIR}/include/${prefix})
  endforeach()
  file(GLOB found RELATIVE ${folder} ${folder}/*)
  foreach(stale ${found})
    if(NOT stale IN_LIST prefixes)
      file(REMOVE ${folder}/${stale})
    endif()
  endforeach()

  add_library(plyfs_${name} STATIC ${arg_SOURCES})
  target_include_directories(plyfs_${name} PUBLIC ${folder})
  # Debuggers and __FILE__ name the header itself, not the link.
  target_compile_options(plyfs_${name} PUBLIC -ffile-prefix-map=${folder}/=${PROJECT_SOURCE_DIR}/include/)
  target_link_libraries(plyfs_${name} PUBLIC plyfs_flags ${arg_LIBRARIES})
  foreach(below ${arg_DEPENDS})
    target_link_libraries(plyfs_${name} PUBLIC plyfs_${below})
  endforeach()
endfunction()
