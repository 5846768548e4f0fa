#include "mechanisms/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace davy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Probe {
  Probe(TimerWheel& wheel) : timer(wheel, &fire, this) {}
  static void fire(void* context) noexcept { ++static_cast<Probe*>(context)->fired; }
  int fired = 0;
  TimerWheel::Timer timer;
};

const SteadyTime kStart{std::chrono::hours(5)};

TEST(TimerWheel, FiresOnceAndNeverEarly) {
  TimerWheel wheel(kStart);
  Probe probe(wheel);
  probe.timer.set(milliseconds(250));
  wheel.advance(kStart + milliseconds(249));
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(kStart + milliseconds(500));
  EXPECT_EQ(probe.fired, 1);
  EXPECT_FALSE(probe.timer.is_set());
  wheel.advance(kStart + seconds(100));
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheel, ADeadlineBeyondOneTurnWaitsForItsTurn) {
  TimerWheel wheel(kStart);
  Probe probe(wheel);
  probe.timer.set(seconds(120));
  for (int s = 1; s < 120; ++s) wheel.advance(kStart + seconds(s));
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(kStart + seconds(121));
  EXPECT_EQ(probe.fired, 1);
}

TEST(TimerWheel, ALongPauseFiresEverythingThatIsDue) {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 100; ++i) {
    probes.push_back(std::make_unique<Probe>(wheel));
    probes.back()->timer.set(seconds(i));
  }
  wheel.advance(kStart + std::chrono::hours(1));
  for (const auto& probe : probes) EXPECT_EQ(probe->fired, 1);
}

TEST(TimerWheel, ATimerThatIsClearedOrGoneDoesNotFire) {
  TimerWheel wheel(kStart);
  Probe cleared(wheel);
  cleared.timer.set(milliseconds(100));
  cleared.timer.clear();
  {
    Probe gone(wheel);
    gone.timer.set(milliseconds(100));
  }
  wheel.advance(kStart + seconds(1));
  EXPECT_EQ(cleared.fired, 0);
}

TEST(TimerWheel, OneThatFiresMayDestroyAnotherThatIsDue) {
  TimerWheel wheel(kStart);
  auto victim = std::make_unique<Probe>(wheel);
  struct Killer {
    std::unique_ptr<Probe>* victim;
    static void fire(void* context) noexcept { static_cast<Killer*>(context)->victim->reset(); }
  } killer{&victim};
  victim->timer.set(milliseconds(50));
  TimerWheel::Timer timer(wheel, &Killer::fire, &killer);  // in the same slot, before it
  timer.set(milliseconds(50));
  Probe other(wheel);
  other.timer.set(milliseconds(50));
  wheel.advance(kStart + seconds(1));
  EXPECT_EQ(other.fired, 1);
  EXPECT_EQ(victim, nullptr);
}

// Against a plain list of deadlines.
TEST(TimerWheel, AgreesWithASimpleModelUnderRandomUse) {
  std::mt19937 random(7);
  TimerWheel wheel(kStart);
  struct Model {
    std::unique_ptr<Probe> probe;
    SteadyTime due{};
    bool set = false;
    int fired = 0;
  };
  std::vector<Model> models(20);
  for (auto& model : models) model.probe = std::make_unique<Probe>(wheel);
  SteadyTime now = kStart;
  for (int step = 0; step < 5000; ++step) {
    Model& model = models[random() % models.size()];
    if (random() % 3 == 0) {
      model.probe->timer.clear();
      model.set = false;
    } else {
      const milliseconds wait(random() % 90'000);
      model.probe->timer.set(wait);
      model.due = now + wait;
      model.set = true;
    }
    now += milliseconds(random() % 700);
    wheel.advance(now);
    for (auto& m : models) {
      const bool fired = m.probe->fired != m.fired;
      m.fired = m.probe->fired;
      if (fired) {
        EXPECT_TRUE(m.set);
        EXPECT_GE(now, m.due);
        m.set = false;
      } else if (m.set) {
        EXPECT_LT(now, m.due + 3 * TimerWheel::kTick + milliseconds(700));
      }
    }
  }
}

}  // namespace
}  // namespace davy::net
