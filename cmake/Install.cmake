# What `cmake --install` lays down: the one list from which the package, the tarball and
# the image are made. DAVY_LAYOUT says where:
#   fhs     below a prefix such as /usr, as a distribution wants it
#   bundle  in one folder that works wherever it lies
if(DAVY_LAYOUT STREQUAL "fhs")
  set(documents share/doc/davylamp)
  set(reference share/doc/davylamp/docs)
  set(data share/davylamp)
  set(units lib/systemd/system)
  set(users lib/sysusers.d)
  set(folders lib/tmpfiles.d)
  set(as RENAME davylamp.conf)
elseif(DAVY_LAYOUT STREQUAL "bundle")
  set(documents .)
  set(reference docs)
  set(data .)
  set(units deploy/systemd)
  set(users deploy/systemd)
  set(folders deploy/systemd)
  set(as)
else()
  message(FATAL_ERROR "DAVY_LAYOUT: expected fhs or bundle, got ${DAVY_LAYOUT}")
endif()

install(TARGETS davy RUNTIME DESTINATION bin)
install(FILES README.md ASSURANCE.md SECURITY.md CHANGELOG.md LICENSE NOTICE DESTINATION ${documents})
install(DIRECTORY docs/ DESTINATION ${reference})
install(DIRECTORY rules examples DESTINATION ${data})
install(FILES deploy/systemd/davylamp.service deploy/systemd/davylamp.socket DESTINATION ${units})
install(FILES deploy/systemd/sysusers.conf DESTINATION ${users} ${as})
install(FILES deploy/systemd/tmpfiles.conf DESTINATION ${folders} ${as})
install(DIRECTORY deploy/docker deploy/grafana deploy/prometheus DESTINATION ${data}/deploy
  USE_SOURCE_PERMISSIONS)
