#pragma once

#include <string>
#include <vector>

#include "tools/torture/worker.h"

// A worker as a separate process. Every program that starts itself as a worker calls IsWorker and RunWorker
// at the beginning of its main().
namespace rawkv::torture {

// The arguments that make a program the worker of this plan.
std::vector<std::string> WorkerArguments(const WorkerPlan& plan);

bool IsWorker(int argc, char** argv);
// Works until the process is killed, or prints its error to standard error and returns the exit status.
int RunWorker(char** argv);

}  // namespace rawkv::torture
