// The practice fraud score: a logistic formula that anyone can check by hand.
#pragma once

#include <string>

namespace davy::practice {

struct FraudFeatures {
  double amount = 0;           // in some currency, >= 0
  std::string country = "DE";  // where the payment comes from
  std::string home_country = "DE";
  double hour = 12;     // local time, 0 <= hour < 24
  double attempts = 1;  // tries with this card in the last hour, >= 0
};

// 1 / (1 + e^-z) with
//   z = -4 + 0.8 ln(1 + amount / 50) + 1.2 [country differs from home_country]
//          + 0.9 [hour < 6] + 0.5 min(attempts, 10)
// rounded to four decimals.
[[nodiscard]] double fraud_score(const FraudFeatures& features);

}  // namespace davy::practice
