#pragma once

#include <vector>

#include "engine/store/store_survey.h"

namespace rawkv {

// What the snapshots of the survey cost in files, as rows without slots: the log that only versions from the
// snapshot to the next unpinned one need, and the tables that no newer snapshot and not the working index
// have. So the costs of the oldest ones are what a removal of them would free. `current` and newer ones cost
// nothing, and have no row. Best effort: files that go meanwhile are not counted.
std::vector<PinnedBy> MeasureHistoryFiles(const StoreContext& context, const StoreSurvey& survey);

// Adds the rows of holders of slots to those of files. Holders of slots come first.
void AddSlotHolders(std::vector<PinnedBy> slots, std::vector<PinnedBy>* rows);

}  // namespace rawkv
