// The settings that STORE keeps: each is changed, shown, kept and checked.

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class SettingsTest : public EngineTest {};

// A valid value of the setting that is not its default.
template <typename T>
T OtherValue(const Setting<T>& setting) {
  const auto least = static_cast<T>(setting.least);
  return least == RuntimeSettings().*setting.value ? static_cast<T>(setting.most) : least;
}

KeepTiers OtherValue(const Setting<KeepTiers>&) {
  return {{3600, 86400}, {86400, 30 * 86400}};
}

TEST_F(SettingsTest, EachIsChangedAloneAndSurvivesAReopen) {
  FormatAndOpen();
  RuntimeSettings expected = Info().settings;
  ForEachSetting([&](const auto& setting) {
    SCOPED_TRACE(setting.name);
    SettingsChange change;
    change.*setting.change = OtherValue(setting);
    expected.*setting.value = OtherValue(setting);
    const Result<RuntimeSettings> kept = engine_->ChangeSettings(change);
    ASSERT_OK(kept);
    EXPECT_EQ(*kept, expected) << "what is not named stays";
    if (setting.at_once) {
      EXPECT_EQ(Info().settings.*setting.value, OtherValue(setting));
    }
    Reopen();
    EXPECT_EQ(Info().settings, expected);
  });
}

TEST_F(SettingsTest, AnOpenOverridesThemUntilTheClose) {
  FormatAndOpen();
  const RuntimeSettings kept = Info().settings;
  RuntimeSettings expected = kept;
  ForEachSetting([&](const auto& setting) {
    open_.settings.*setting.change = OtherValue(setting);
    expected.*setting.value = OtherValue(setting);
  });
  Reopen();
  EXPECT_EQ(Info().settings, expected);
  open_.settings = {};
  Reopen();
  EXPECT_EQ(Info().settings, kept);
}

TEST_F(SettingsTest, ValueOutOfRangeIsNamedAndChangesNothing) {
  FormatAndOpen();
  const RuntimeSettings before = Info().settings;
  const auto expect_refused = [&](const Setting<uint64_t>& setting, uint64_t value) {
    SettingsChange change{.snapshot_interval = 5, .undo_versions = 7};
    change.*setting.change = value;
    EXPECT_STATUS(engine_->ChangeSettings(change), StatusCode::kInvalidArgument, std::string(setting.name));
    EXPECT_EQ(Info().settings, before);
  };
  int refused = 0;
  ForEachSetting([&](const auto& setting) {
    if constexpr (std::is_same_v<decltype(setting), const Setting<uint64_t>&>) {
      SCOPED_TRACE(setting.name);
      if (setting.most != UINT64_MAX) expect_refused(setting, setting.most + setting.multiple_of), ++refused;
      if (setting.least != 0) expect_refused(setting, setting.least - setting.multiple_of), ++refused;
      if (setting.multiple_of != 1) expect_refused(setting, setting.least + 1), ++refused;
    }
  });
  EXPECT_GE(refused, 5);
  const std::vector<KeepTiers> wrong = {{{0, 5}},
                                        {{6, 5}},
                                        {{1, 5}, {2, 5}},
                                        {{2, 5}, {2, 6}},
                                        {{1, kMaxKeepForSeconds + 1}},
                                        KeepTiers(9, {1, 1})};
  for (const KeepTiers& tiers : wrong) {
    EXPECT_STATUS(engine_->ChangeSettings({.keep_tiers = tiers}), StatusCode::kInvalidArgument, "keep_tiers");
  }
  EXPECT_EQ(Info().settings, before);
  Reopen();
  EXPECT_EQ(Info().settings, before);
}

}  // namespace
}  // namespace rawkv
