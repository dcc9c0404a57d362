// Chapter 5: what a layer norm takes its statistics over, what it undoes, what its gradient looks like, and
// what that does to a deep stack.
#include <fmt/format.h>

#include <map>

#include "05-layer-norm/depth.hpp"
#include "course/engine.hpp"

using namespace tenfold;
using namespace tenfold::course;
using namespace tenfold::chapter05;

namespace {

/// The variants asked for, with "batch-norm" beside the healthy one, since the lesson always compares the
/// two.
std::vector<std::string> with_batch_norm(const Session& s) {
  auto all = s.variants();
  all.insert(all.begin() + 1, "batch-norm");
  return all;
}

std::string label(const std::string& variant) { return variant.empty() ? "layer norm" : variant; }

// --- one token by hand
// ------------------------------------------------------------------------------------------------

void by_hand(Session& s) {
  s.heading("One token of four features, (1, 0, 0, 0)");
  const auto k = make_kernels("reference");
  const std::vector<Real> token{1, 0, 0, 0};
  Table table{"by-hand", {{"norm", "1 becomes", "0 becomes", "rms"}}};
  for (const std::string& variant : s.variants()) {
    const auto y = norm_of(variant)(Tensor::from(*k, {1, 1, 4}, token)).value.to_host();
    table.rows.push_back({label(variant), fmt::format("{:.3f}", y[0]), fmt::format("{:.3f}", y[1]),
                          fmt::format("{:.3f}", rms(y))});
    s.fact("one/" + Session::label(variant), y[0], {5e-4, 0}, "{:.3f}");
    s.answer(variant, Spread{y[0], 0, y[0], y[0], 1});
    if (variant.empty())
      s.claim("root-three", "layer norm makes √3 of the 1 in (1, 0, 0, 0)",
              std::abs(y[0] - std::sqrt(3.0)) < 1e-3);
    if (variant == "unbiased")
      s.claim("unbiased", "with the unbiased variance it is 3/2, and the row's rms is no longer 1",
              std::abs(y[0] - 1.5) < 1e-3 && rms(y) < 0.9);
    if (variant == "wrong-axis")
      s.claim("alone", "normalised over time, a token that stands alone becomes all zeros", rms(y) == 0);
  }
  s.table(table);
}

// --- who notices whom
// -------------------------------------------------------------------------------------------------

struct Disturbance {
  double tokens = 0;   ///< of the 15 others, how many changed in at least one bit
  double padding = 0;  ///< largest change of a real token's output when its sentence is padded further
};

Disturbance disturb(const Norm& norm, std::uint64_t seed) {
  constexpr Index batch = 2, time = 8, dim = 32;
  const auto k = measuring_kernels();
  Disturbance d;
  auto values = random_tensor(*k, {batch, time, dim}, seed, 1).to_host();
  const auto normed = [&](Index length) {
    return norm(Tensor::from(*k, {batch, length, dim}, values)).value.to_host();
  };
  const auto before = normed(time);
  for (Index i = 0; i < dim; ++i)
    values[static_cast<std::size_t>(i)] += 3;  // the first token of the first sentence
  const auto after = normed(time);
  for (std::size_t token = 1; token < batch * time; ++token)
    d.tokens += !std::equal(before.begin() + token * dim, before.begin() + (token + 1) * dim,
                            after.begin() + token * dim);
  // Both sentences padded from 8 to 16 positions by zeros.
  std::vector<Real> padded;
  for (Index b = 0; b < batch; ++b) {
    padded.insert(padded.end(), values.begin() + b * time * dim, values.begin() + (b + 1) * time * dim);
    padded.resize(padded.size() + time * dim);
  }
  values = padded;
  const auto longer = normed(2 * time);
  for (Index b = 0; b < batch; ++b)
    for (Index i = 0; i < time * dim; ++i)
      d.padding =
          std::max(d.padding, std::abs(double(longer[b * 2 * time * dim + i]) - after[b * time * dim + i]));
  return d;
}

void independence(Session& s) {
  s.heading("Two sentences of 8 tokens: one token changes; then both sentences are padded to 16");
  Table table{"independence", {{"norm", "of 15 other tokens changed", "change from padding alone"}}};
  for (const std::string& variant : with_batch_norm(s)) {
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return disturb(norm_of(variant), seed); });
    const Spread others = spread_of(runs, [](auto&r) { return r.tokens; }),
                 padding = spread_of(runs, [](auto&r) { return r.padding; });
    table.rows.push_back({label(variant), fmt::format("{:.0f}", others.mean), to_text(padding)});
    const std::string name = Session::label(variant);
    s.fact("others/" + name, others.mean, {0, 0}, "{:.0f}");
    s.fact("padding/" + name, padding, {0.05, 0.1});
    if (variant.empty())
      s.claim("independent",
              "layer norm: one token changed leaves all others bit-identical, and so does padding",
              others.most == 0 && padding.most == 0);
    if (variant == "batch-norm")
      s.claim("batch-norm", "batch norm: one token changed moves every other, and so does padding",
              others.least == 15 && padding.least > 0.1);
    if (variant == "wrong-axis")
      s.claim("wrong-axis",
              "normalised over time, the other tokens of the sentence move, and padding moves all",
              others.least == 7 && padding.least > 0.1);
  }
  s.table(table);
}

// --- what it undoes
// ---------------------------------------------------------------------------------------------------

void scales(Session& s) {
  s.heading("Random tokens of 64 features, deviation 1, multiplied by α before the norm");
  const std::vector<double> alphas{1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
  const auto at = [&](double alpha) {
    return static_cast<std::size_t>(std::find(alphas.begin(), alphas.end(), alpha) - alphas.begin());
  };
  CurveFigure figure{"What is left of a factor after the norm",
                     "factor α on the input (rms 1)",
                     "rms of the output",
                     true,
                     true,
                     {}};
  Table table{"scale",
              {{"norm", "rms at α = 0.001", "rms at α = 1000", "LN(10x) - LN(x), largest",
                "gradient at α = 10, of that at 1"}}};
  for (const std::string& variant : s.variants()) {
    const auto runs = s.over_seeds([&](std::uint64_t seed) {
      const auto k = measuring_kernels();
      const Shape shape{2, 32, 64};
      const Tensor upstream = random_tensor(*k, shape, seed, 3);
      std::vector<Both> all;
      for (double a : alphas)
        all.push_back(run(norm_of(variant), random_tensor(*k, shape, seed, 2, a), upstream));
      return all;
    });
    Curve curve{label(variant), alphas, {}, {}, {}};
    for (std::size_t i = 0; i < alphas.size(); ++i)
      curve.y.push_back(spread_of(runs, [&](auto& r) { return rms(r[i].output); }).mean);
    const Spread ratio =
        spread_of(runs, [&](auto& r) { return rms(r[at(10)].gradient) / rms(r[at(1)].gradient); });
    const Spread moved =
        spread_of(runs, [&](auto& r) { return largest_difference(r[at(10)].output, r[at(1)].output); });
    const Spread small = spread_of(runs, [&](auto& r) { return rms(r[at(1e-3)].output); });
    const Spread large = spread_of(runs, [&](auto& r) { return rms(r[at(1000)].output); });
    table.rows.push_back({label(variant), to_text(small, "{:.3f}"), to_text(large, "{:.3f}"),
                          to_text(moved, "{:.1e}"), to_text(ratio, "{:.3f}")});
    const std::string name = Session::label(variant);
    s.fact("small/" + name, small, {0.005, 0}, "{:.3f}");
    s.fact("large/" + name, large, {0.001, 0}, "{:.3f}");
    s.fact("invariance/" + name, moved, {0, 0.5}, "{:.1e}");
    s.fact("brake/" + name, ratio, {0.002, 0}, "{:.3f}");
    if (variant.empty()) {
      s.claim("invariant", "layer norm undoes a factor: LN(10x) = LN(x) up to ε", moved.most < 1e-3);
      s.claim("brake", "ten times larger inputs get a ten times smaller gradient",
              std::abs(ratio.mean - 0.1) < 0.01);
      s.claim("epsilon-rules", "inputs well below √ε are not brought back to 1", small.most < 0.5);
    }
    if (variant == "epsilon-outside")
      s.claim("outside-scale",
              "with ε outside the root, inputs of size 0.001 are still brought back to nearly 1",
              small.least > 0.95);
    if (variant.empty() || variant == "epsilon-outside")
      figure.curves.push_back(std::move(curve));  // the others lie on the first
    if (variant.empty()) figure.curves.push_back({"no norm", alphas, alphas, {}, {}});
  }
  s.table(table);
  s.figure("scale", figure);
}

// --- its gradient
// -----------------------------------------------------------------------------------------------------

struct Angles {
  double to_ones = 0, to_hat = 0,
         to_hat_without_epsilon = 0;  ///< largest |cosine| between a token's dL/dx and (1, …, 1), x̂
};

Angles angles(const std::string& variant, std::uint64_t seed) {
  constexpr std::size_t dim = 64;
  const auto k = measuring_kernels();
  const Shape shape{2, 16, dim};
  const Tensor x = random_tensor(*k, shape, seed, 4), upstream = random_tensor(*k, shape, seed, 5);
  const auto largest = [&](double epsilon, bool ones) {
    const auto dx = run(norm_of(variant, epsilon), x, upstream).gradient;
    const auto hat = run(norm_of("", epsilon), x, upstream).output;
    double most = 0;
    for (std::size_t row = 0; row < dx.size(); row += dim) {
      double dot = 0, a = 0, b = 0;
      for (std::size_t i = row; i < row + dim; ++i) {
        const double other = ones ? 1 : hat[i];
        dot += dx[i] * other;
        a += dx[i] * dx[i];
        b += other * other;
      }
      most = std::max(most, std::abs(dot) / std::sqrt(a * b));
    }
    return most;
  };
  return {largest(1e-5, true), largest(1e-5, false), largest(0, false)};
}

void orthogonal(Session& s) {
  s.heading("The gradient by the input: largest |cosine| over 32 tokens");
  Table table{"angles", {{"norm", "to (1, …, 1)", "to x̂", "to x̂, ε = 0"}}};
  for (const std::string& variant : s.variants()) {
    const auto runs = s.over_seeds([&](std::uint64_t seed) { return angles(variant, seed); });
    const Spread ones = spread_of(runs, [](auto&r) { return r.to_ones; }),
                 hat = spread_of(runs, [](auto&r) { return r.to_hat; }),
                 exact = spread_of(runs, [](auto&r) { return r.to_hat_without_epsilon; });
    const std::string format = "{:.1e}", name = Session::label(variant);
    table.rows.push_back({label(variant), fmt::format("{:.1e}", ones.most), fmt::format("{:.1e}", hat.most),
                          fmt::format("{:.1e}", exact.most)});
    s.fact("ones/" + name, ones.most, variant == "wrong-axis" ? Tolerance{0, 0.1} : Tolerance::machine(),
           format);
    s.fact("hat/" + name, hat.most, {0, 0.3}, format);
    s.fact("hat-exact/" + name, exact.most,
           variant == "wrong-axis" ? Tolerance{0, 0.1} : Tolerance::machine(), format);
    if (variant.empty()) {
      s.claim("orthogonal-ones", "the input gradient is orthogonal to (1, …, 1)", ones.most < 1e-12);
      s.claim("orthogonal-hat", "and to x̂: up to ε, and to rounding when ε is 0",
              hat.most < 1e-4 && exact.most < 1e-12);
    }
    if (variant == "wrong-axis")
      s.claim("not-orthogonal", "normalised over time, a token's gradient is orthogonal to neither",
              ones.least > 0.01 && hat.least > 0.01);
  }
  s.table(table);
}

void constant_rows(Session& s) {
  s.heading("A token whose features are all equal (a padding embedding of zeros, say)");
  const auto k = measuring_kernels();
  const Shape shape{1, 1, 16};
  const Tensor x = filled(*k, shape, Real(0.5)), upstream = random_tensor(*k, shape, 1, 6);
  for (const std::string& variant : s.variants()) {
    if (variant == "wrong-axis" || variant == "unbiased") continue;
    const Both both = run(norm_of(variant), x, upstream);
    const bool finite =
        std::all_of(both.gradient.begin(), both.gradient.end(), [](Real v) { return std::isfinite(v); });
    const double ratio = rms(both.gradient) / rms(upstream.to_host());
    s.text(fmt::format("{:<16} output {:.3f}, gradient {}", label(variant), rms(both.output),
                       finite ? fmt::format("{:.0f} times what came in", ratio) : "not a number"));
    if (variant.empty()) {
      s.fact("constant/healthy", ratio, {0, 0.01}, "{:.0f}");
      s.claim("constant-finite",
              "a token of equal features gets a finite gradient, at most 1/√ε times what came in",
              finite && ratio < 1 / std::sqrt(1e-5));
    } else {
      s.claim("constant-nan",
              "with ε outside the root a token of equal features makes the gradient not a number", !finite);
    }
  }
}

// --- depth
// ------------------------------------------------------------------------------------------------------------

void depth(Session& s) {
  constexpr int layers = 24;
  s.heading(
      fmt::format("{} layers x ← relu(W norm(x)) of width 64; all weights are off by a factor", layers));
  Table table{"depth",
              {{"norm", "weights times", "rms of the activations, layer 24",
                "gradient at layer 1, times that at layer 24"}}};
  CurveFigure forward{"Activations through depth", "layer", "rms of the activations", false, true, {}};
  CurveFigure backward{
      "Gradients through depth", "layer", "rms of dL/dx, of that at layer 24", false, true, {}};
  auto variants = s.variants();
  variants.insert(variants.begin() + 1, "none");
  for (const std::string& variant : variants)
    for (double gain : {0.5, 1.0, 2.0}) {
      const bool drawn = variant.empty() || variant == "none";
      if (!drawn && gain != 2) continue;
      const auto runs = s.over_seeds(
          [&](std::uint64_t seed) { return through_depth(norm_of(variant), gain, layers, seed); });
      const auto after = [&](auto member, int layer) {
        return spread_of(runs, [&](auto& r) { return (r.*member)[static_cast<std::size_t>(layer)]; });
      };
      const std::string name = variant == "none" ? "no norm" : label(variant);
      Curve up{fmt::format("{}, weights × {}", name, gain), {}, {}, {}, {}}, down = up;
      for (int i = 1; i <= layers; ++i) {
        up.x.push_back(i);
        down.x.push_back(i);
        up.y.push_back(after(&Depth::activation, i).mean);
        down.y.push_back(after(&Depth::gradient, i).mean);
      }
      const Spread last = after(&Depth::activation, layers), first = after(&Depth::gradient, 1);
      table.rows.push_back(
          {name, fmt::format("{}", gain), to_text(last, "{:.3g}"), to_text(first, "{:.3g}")});
      s.fact(fmt::format("depth/{}/{}", Session::label(variant), gain), last, {0, 0.3}, "{:.3g}");
      s.fact(fmt::format("depth-gradient/{}/{}", Session::label(variant), gain), first, {0, 0.3}, "{:.3g}");
      if (variant.empty() && gain != 1)
        s.claim(
            fmt::format("depth-{}", gain),
            fmt::format("with layer norm a factor of {} on all weights shows once, not once a layer", gain),
            last.mean / gain > 0.8 && last.mean / gain < 1.25);
      if (variant.empty() && gain == 2)
        s.claim(
            "still-grows",
            "yet layer norm alone does not keep the gradient: it grows from layer to layer on the way back",
            first.least > 20);
      if (variant == "none" && gain == 0.5)
        s.claim("vanishes", "without a norm, weights half as large make activations and gradients vanish",
                last.most < 1e-5 && first.most < 1e-5);
      if (variant == "none" && gain == 2)
        s.claim("explodes", "without a norm, weights twice as large make them explode",
                last.least > 1e5 && first.least > 1e5);
      if (!drawn) continue;
      forward.curves.push_back(std::move(up));
      backward.curves.push_back(std::move(down));
    }
  s.table(table);
  s.figure("depth", forward);
  s.figure("depth-gradient", backward);
}

// --- training
// ---------------------------------------------------------------------------------------------------------

/// One learning rate of one norm, mean over seeds.
struct Tried {
  double together = 0, alone = 0;
};

void training(Session& s) {
  s.heading(fmt::format("In training: {} layers label tokens by a hidden rule, {} steps of plain SGD", blocks,
                        training_steps));
  const std::vector<double> rates{0.003, 0.01, 0.03, 0.1, 0.3, 1, 3};
  const std::vector<double> gains{0.5, 1, 2};
  Table table{"training",
              {{"norm", "weights × 0.5: right (%)", "× 1", "× 2", "runs above 60 %, of 21",
                "one token at a time, × 1"}}};
  CurveFigure figure{"Tokens labelled right, initial weights twice as large",
                     "learning rate of SGD",
                     "right after training (%)",
                     true,
                     false,
                     {}};
  auto variants = with_batch_norm(s);
  variants.insert(variants.begin() + 1, "none");
  std::map<std::pair<std::string, double>, Tried> best;
  for (const std::string& variant : variants) {
    const std::string name = variant == "none" ? "no norm" : label(variant);
    std::vector<std::string> row{name};
    std::string alone_at_one;
    int good = 0;
    for (double gain : gains) {
      Curve curve{name, rates, {}, {}, {}};
      Spread top, alone;
      for (double rate : rates) {
        const auto runs =
            s.over_seeds([&](std::uint64_t seed) { return train_stack(norm_of(variant), gain, rate, seed); });
        const Spread right = spread_of(runs, [](auto& r) { return r.together; });
        curve.y.push_back(right.mean);
        good += right.mean > 60;
        if (right.mean <= top.mean) continue;
        top = right;
        alone = spread_of(runs, [](auto& r) { return r.alone; });
      }
      row.push_back(to_text(top, "{:.0f}"));
      if (gain == 1) alone_at_one = to_text(alone, "{:.0f}");
      best[{variant, gain}] = {top.mean, alone.mean};
      const std::string fact = fmt::format("{}/{}", Session::label(variant), gain);
      s.fact("right/" + fact, top, {8, 0}, "{:.0f}");
      s.fact("alone/" + fact, alone, {8, 0}, "{:.0f}");
      const bool drawn = variant != "unbiased" && variant != "epsilon-outside";  // these lie on layer norm's
      if (gain == 2 && drawn) figure.curves.push_back(std::move(curve));
    }
    row.insert(row.end(), {std::to_string(good), alone_at_one});
    table.rows.push_back(std::move(row));
    s.fact("settings/" + Session::label(variant), good, {3, 0}, "{:.0f}");
  }
  s.table(table);
  s.figure("training", figure);
  const auto right = [&](const std::string& variant, double gain) {
    return best.at({variant, gain}).together;
  };
  s.claim("steady", "with layer norm the stack learns from weights half, once and twice as large",
          right("", 0.5) > 60 && right("", 1) > 60 && right("", 2) > 60);
  s.claim("needs-luck", "without a norm it learns only from weights of just the right size",
          right("none", 1) > 60 && right("none", 0.5) < 50 && right("none", 2) < 50);
  if (best.contains({"wrong-axis", 1.0}))
    s.claim("alone-fails",
            "normalised over time the stack labels tokens of a sentence, and fails on the same tokens one at "
            "a time",
            right("wrong-axis", 1) > 40 && best.at({"wrong-axis", 1.0}).alone < right("wrong-axis", 1) - 20);
}

// --- the engine
// -------------------------------------------------------------------------------------------------------

void engine(Session& s) {
  s.heading("The lesson's code and the engine's layer norm");
  const auto k = make_kernels(s.device(), s.threads());
  const Tensor x = random_tensor(*k, {2, 9, 48}, s.seeds().front(), 7),
               gamma = random_tensor(*k, {48}, s.seeds().front(), 8),
               beta = random_tensor(*k, {48}, s.seeds().front(), 9),
               upstream = random_tensor(*k, {2, 9, 48}, s.seeds().front(), 10);
  using Leaves = const std::vector<Variable>&;
  const auto lesson = lab::with_gradients(
      {x, gamma, beta}, upstream, [](Leaves in) { return chapter05::layer_norm(in[0], in[1], in[2], 1e-5); });
  const auto fused = lab::with_gradients({x, gamma, beta}, upstream, [](Leaves in) {
    return tenfold::layer_norm(in[0], in[1], in[2], Real(1e-5));
  });
  lab::same(s, {"output", "gradient of the input", "gradient of γ", "gradient of β"}, lesson, fused, 1e-12);
}

}  // namespace

int main(int argc, char** argv) {
  const Chapter chapter{
      5,
      "How does layer norm steady training?",
      "what layer norm makes of the 1 in a token that is (1, 0, 0, 0) and stands alone",
      "{:.3f}",
      {{"wrong-axis",
        "mean and variance over the tokens of a sentence instead of over the features of a token"},
       {"unbiased", "the squares are divided by n - 1 instead of n"},
       {"epsilon-outside",
        "divides by the root of the variance, plus ε, instead of by the root of the variance plus ε"}}};
  return run_chapter(argc, argv, chapter, [](Session& s) {
    by_hand(s);
    independence(s);
    scales(s);
    orthogonal(s);
    constant_rows(s);
    depth(s);
    if (!s.fast()) training(s);
    engine(s);
  });
}
