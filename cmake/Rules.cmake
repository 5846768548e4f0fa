# The rule catalogue: rules/*.yaml become generated/rules.h (one constant a rule, so
# that code cannot name a rule which the catalogue lacks) and generated/catalogue.cc.
file(GLOB DAVY_RULE_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rules/*.yaml)
set(DAVY_GENERATED ${CMAKE_BINARY_DIR}/generated)
add_custom_command(
  OUTPUT ${DAVY_GENERATED}/generated/rules.h ${DAVY_GENERATED}/generated/catalogue.cc
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed_rules.py
          --rules ${CMAKE_SOURCE_DIR}/rules --out ${DAVY_GENERATED}/generated
  DEPENDS ${DAVY_RULE_FILES} ${CMAKE_SOURCE_DIR}/tools/embed_rules.py
  COMMENT "Checking and embedding the rule catalogue"
  VERBATIM)
add_custom_target(davy_generate_rules
  DEPENDS ${DAVY_GENERATED}/generated/rules.h ${DAVY_GENERATED}/generated/catalogue.cc)

if(DAVY_TESTS)
  # A rule that no code uses promises something that nothing does.
  add_test(NAME rules_are_used
    COMMAND ${Python3_EXECUTABLE} tools/embed_rules.py --rules rules --check-used --source src
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  add_test(NAME embed_rules_test
    COMMAND ${Python3_EXECUTABLE} tools/embed_rules_test.py
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endif()
