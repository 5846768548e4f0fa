// Reads the certificates that a configuration names, so that a mistake is told with its
// place before anything depends on them.
#pragma once

#include "base/clock.h"
#include "core/settings.h"

namespace davy::app {

// Files that cannot be used are errors; a certificate that does not hold now, or soon not
// any more, is a warning: it is no mistake of the configuration, and refusing it would
// keep every other change out.
void check_certificates(const Settings& settings, WallTime now, Diagnostics& diagnostics);

}  // namespace davy::app
