#include "mechanisms/net/circuit_breaker.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace davy::net {
namespace {

using namespace std::chrono_literals;
using Breaker = CircuitBreaker;
using Failure = Breaker::Failure;
using Permit = Breaker::Permit;
using State = Breaker::State;

constexpr SteadyTime kStart = SteadyTime{24h};

// Fails until it opens.
void open(Breaker& breaker, SteadyTime now, Failure failure = Failure::answer) {
  for (unsigned i = 1; i < Breaker::kFailures; ++i) {
    ASSERT_EQ(breaker.admit(now), Permit::normal);
    ASSERT_FALSE(breaker.failed(Permit::normal, failure, now, 0)) << i;
  }
  ASSERT_EQ(breaker.admit(now), Permit::normal);
  ASSERT_TRUE(breaker.failed(Permit::normal, failure, now, 0));
  ASSERT_EQ(breaker.state(), State::open);
}

TEST(CircuitBreaker, OpensAfterFailuresInARowAndNotBefore) {
  Breaker breaker;
  for (unsigned i = 0; i < 10 * Breaker::kFailures; ++i) {
    ASSERT_EQ(breaker.admit(kStart), Permit::normal);
    if (i % Breaker::kFailures == Breaker::kFailures - 1) {
      EXPECT_FALSE(breaker.succeeded(Permit::normal, kStart));
    } else {
      EXPECT_FALSE(breaker.failed(Permit::normal, Failure::answer, kStart, 0));
    }
  }
  open(breaker, kStart);
  EXPECT_EQ(breaker.admit(kStart), Permit::denied);
  EXPECT_EQ(breaker.wait(kStart), Breaker::kFirstPause);
}

TEST(CircuitBreaker, OneProbeDecidesAfterThePause) {
  Breaker breaker;
  open(breaker, kStart);
  const SteadyTime later = kStart + Breaker::kFirstPause;
  EXPECT_EQ(breaker.admit(later - 1ns), Permit::denied);
  EXPECT_EQ(breaker.admit(later), Permit::probe);
  EXPECT_EQ(breaker.state(), State::half_open);
  EXPECT_EQ(breaker.admit(later), Permit::denied);
  EXPECT_TRUE(breaker.succeeded(Permit::probe, later));
  EXPECT_EQ(breaker.state(), State::closed);
  EXPECT_EQ(breaker.admit(later), Permit::normal);
  EXPECT_EQ(breaker.wait(later), 0ns);
}

TEST(CircuitBreaker, PausesGrowWhileProbesFailUpToALongest) {
  Breaker breaker;
  open(breaker, kStart);
  SteadyTime now = kStart;
  std::chrono::nanoseconds pause = Breaker::kFirstPause;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(breaker.wait(now), pause) << i;
    now += pause;
    ASSERT_EQ(breaker.admit(now), Permit::probe);
    EXPECT_FALSE(breaker.failed(Permit::probe, Failure::answer, now, 0))
        << "told once, not each time";
    EXPECT_EQ(breaker.state(), State::open);
    pause = std::min<std::chrono::nanoseconds>(2 * pause, Breaker::kLongestPause);
  }
}

TEST(CircuitBreaker, ChanceMakesAPauseUpToAQuarterLonger) {
  for (const std::uint32_t chance : {0u, 0x80000000u, 0xFFFFFFFFu}) {
    Breaker breaker;
    for (unsigned i = 0; i < Breaker::kFailures; ++i) {
      (void)breaker.failed(Permit::normal, Failure::answer, kStart, chance);
    }
    const auto wait = breaker.wait(kStart);
    EXPECT_GE(wait, Breaker::kFirstPause);
    EXPECT_LE(wait, Breaker::kFirstPause * 5 / 4);
    EXPECT_EQ(chance == 0, wait == Breaker::kFirstPause);
  }
}

TEST(CircuitBreaker, AFlappingUpstreamIsRememberedForAWhile) {
  Breaker breaker;
  open(breaker, kStart);
  SteadyTime now = kStart + Breaker::kFirstPause;
  ASSERT_EQ(breaker.admit(now), Permit::probe);
  ASSERT_TRUE(breaker.succeeded(Permit::probe, now));
  open(breaker, now);
  EXPECT_EQ(breaker.wait(now), 2 * Breaker::kFirstPause);
  now += 2 * Breaker::kFirstPause;
  ASSERT_EQ(breaker.admit(now), Permit::probe);
  ASSERT_TRUE(breaker.succeeded(Permit::probe, now));
  open(breaker, now + Breaker::kForgets);
  EXPECT_EQ(breaker.wait(now + Breaker::kForgets), Breaker::kFirstPause);
}

TEST(CircuitBreaker, WhatWasSentBeforeItOpenedDecidesNothing) {
  Breaker breaker;
  open(breaker, kStart);
  EXPECT_FALSE(breaker.succeeded(Permit::normal, kStart));
  EXPECT_FALSE(breaker.failed(Permit::normal, Failure::answer, kStart, 0));
  EXPECT_EQ(breaker.wait(kStart), Breaker::kFirstPause);
}

TEST(CircuitBreaker, AProbeThatCameToNothingLetsTheNextThrough) {
  Breaker breaker;
  open(breaker, kStart);
  const SteadyTime later = kStart + Breaker::kFirstPause;
  ASSERT_EQ(breaker.admit(later), Permit::probe);
  breaker.given_up(Permit::probe);
  EXPECT_EQ(breaker.admit(later), Permit::probe);
  // One that takes long is not waited for without end.
  EXPECT_EQ(breaker.admit(later + Breaker::kFirstPause), Permit::probe);
}

TEST(CircuitBreaker, WhereOnlyConnectingFailedAConnectionIsEnough) {
  Breaker breaker;
  open(breaker, kStart, Failure::connect);
  const SteadyTime later = kStart + Breaker::kFirstPause;
  ASSERT_EQ(breaker.admit(later), Permit::probe);
  EXPECT_TRUE(breaker.connected(Permit::probe, later));
  EXPECT_EQ(breaker.admit(later), Permit::normal);

  Breaker answers;
  open(answers, kStart);
  ASSERT_EQ(answers.admit(later), Permit::probe);
  EXPECT_FALSE(answers.connected(Permit::probe, later));
  EXPECT_EQ(answers.admit(later), Permit::denied);
}

TEST(CircuitBreaker, OfManyThreadsOneProbes) {
  Breaker breaker;
  open(breaker, kStart);
  std::atomic<int> probes{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        if (breaker.admit(kStart + Breaker::kFirstPause) == Permit::probe) ++probes;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(probes, 1);
}

}  // namespace
}  // namespace davy::net
