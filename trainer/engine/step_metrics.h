#include "trainer/coordinator/step_metrics.h"
