# SPDX-License-Identifier: Apache-2.0
# plyfs_embed(HEADER PREFIX FILE...): a header in the binary folder with the bytes of each file as an array. The file NAME.SUFFIX
# becomes PREFIX_NAME_SUFFIX. As a script it makes the header.
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "/* Made by PlyfsEmbed.cmake. */\n")
  foreach(file ${FILES})
    get_filename_component(name ${file} NAME)
    string(MAKE_C_IDENTIFIER "${PREFIX}_${name}" name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND text "static const unsigned char ${name}[] = {${bytes}};\n")
  endforeach()
  file(WRITE ${HEADER} "${text}")
  return()
endif()

set(PLYFS_EMBED ${CMAKE_CURRENT_LIST_FILE})
function(plyfs_embed header prefix)
  set(files "")
  foreach(file ${ARGN})
    list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${header}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DPREFIX=${prefix} -DHEADER=${CMAKE_CURRENT_BINARY_DIR}/${header} -P ${PLYFS_EMBED}
    DEPENDS ${files} ${PLYFS_EMBED} VERBATIM)
endfunction()
