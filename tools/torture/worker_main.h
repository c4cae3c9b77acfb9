#pragma once

#include <string>
#include <vector>

#include "tools/torture/worker.h"

// A worker as a program of its own. Every program that starts workers from itself calls RunWorker first thing
// in its main().
namespace rawkv::torture {

// What a program is to be started with to become the worker of this plan.
std::vector<std::string> WorkerArguments(const WorkerPlan& plan);

bool IsWorker(int argc, char** argv);
// Works until it is killed, or ends with its error on standard error; the exit status.
int RunWorker(char** argv);

}  // namespace rawkv::torture
