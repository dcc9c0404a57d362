// The Transformer's outputs: equal to the formulas, blind to the future and to padding.
#include <doctest/doctest.h>

#include "engine/model_fixture.hpp"
#include "engine/plain_transformer.hpp"
#include "ops/cross_entropy.hpp"

using namespace tenfold;

namespace {

const Ids source{5, 9, 12, 5, eos_id}, target{bos_id, 4, 11, 7};

std::vector<Real> plain_logits(SmallModel& m) {
  const ModelConfig& c = m.model.config();
  const plain::Transformer plain({static_cast<int>(c.model_dim), static_cast<int>(c.heads),
                                  static_cast<int>(c.encoder_layers), static_cast<int>(c.decoder_layers), c.pre_norm,
                                  c.gelu, c.learned_positions},
                                 m.values());
  std::vector<Real> all;
  for (const plain::Row& row : plain.logits({source.begin(), source.end()}, {target.begin(), target.end()}))
    all.insert(all.end(), row.begin(), row.end());
  return all;
}

void check_against_plain(const ModelConfig& config) {
  for (const char* device : {"reference", "cpu"}) {
    INFO(std::string(device));
    SmallModel m(config, device);
    CHECK(largest_difference(m.logits(source, target), plain_logits(m)) <= 1e-11);
  }
}

}  // namespace

TEST_CASE("logits equal those of the formulas written plainly") {
  for (const bool pre_norm : {true, false})
    for (const bool gelu : {true, false}) {
      INFO("pre-norm ", pre_norm, ", gelu ", gelu);
      ModelConfig c = small_config();
      c.pre_norm = pre_norm;
      c.gelu = gelu;
      check_against_plain(c);
    }
}

TEST_CASE("so do those of learned positions, of untied and of separate embeddings, of one head, of no encoder layer") {
  ModelConfig learned = small_config(), untied = small_config(), separate = small_config(), one_head = small_config(),
              no_encoder = small_config(), uneven = small_config();
  learned.learned_positions = true;
  untied.tied_embeddings = false;
  separate.joint_vocabulary = false;
  separate.target_vocabulary = 12;
  one_head.heads = 1;
  no_encoder.encoder_layers = 0;
  uneven.encoder_layers = 1;
  uneven.decoder_layers = 3;
  for (const ModelConfig& c : {learned, untied, separate, one_head, no_encoder, uneven}) check_against_plain(c);
}

TEST_CASE("sinusoidal positions are sines and cosines of falling frequency") {
  const auto k = make_reference_kernels();
  const auto rows = sinusoidal_positions(*k, 3, 4).to_host();
  const std::vector<Real> expected{0,            1,             0,              1,             //
                                   0.8414709848, 0.5403023059,  0.0099998333,   0.9999500004,  //
                                   0.9092974268, -0.4161468365, 0.01999866669,  0.9998000067};
  CHECK(largest_difference(rows, expected) <= 1e-9);
  CHECK(sinusoidal_positions(*k, 2, 3).size() == 6);
}

TEST_CASE("a token's logits do not depend on later target tokens, to the last bit") {
  for (const char* device : {"reference", "cpu"}) {
    SmallModel m(small_config(), device);
    const auto before = m.logits(source, target);
    for (std::size_t changed = 1; changed < target.size(); ++changed) {
      Ids other = target;
      other[changed] = 8;
      const auto after = m.logits(source, other);
      const auto same = static_cast<std::ptrdiff_t>(changed * 13);
      CHECK(std::equal(before.begin(), before.begin() + same, after.begin()));
      CHECK_FALSE(std::equal(before.begin() + same, before.begin() + same + 13, after.begin() + same));
    }
  }
}

TEST_CASE("padding and neighbours in a batch change nothing") {
  for (const char* device : {"reference", "cpu"}) {
    SmallModel m(small_config(), device);
    const auto first = m.logits({5, 9, eos_id}, {bos_id, 4, 11}), second = m.logits({7, eos_id}, {bos_id, 6});
    const auto both = m.logits(m.ids({2, 6}, {5, 9, eos_id, 0, 0, 0, 7, eos_id, 0, 0, 0, 0}), m.ids({2}, {3, 2}),
                               m.ids({2, 3}, {bos_id, 4, 11, bos_id, 6, 0}));
    CHECK(largest_difference({both.begin(), both.begin() + 3 * 13}, first) <= 1e-12);
    CHECK(largest_difference({both.begin() + 3 * 13, both.begin() + 5 * 13}, second) <= 1e-12);
  }
}

TEST_CASE("the loss is the cross-entropy of the logits over tokens that are no padding") {
  SmallModel m;
  DeviceBatch batch{m.ids({2, 3}, {5, 9, eos_id, 7, eos_id, 0}), m.ids({2}, {3, 2}),
                    m.ids({2, 3}, {bos_id, 4, 11, bos_id, 6, 0}), m.ids({2, 3}, {4, 11, eos_id, 6, eos_id, 0}), 5};
  const auto logits = m.logits(batch.source, batch.source_lengths, batch.target_input);
  double expected = 0;
  const int targets[] = {4, 11, eos_id, 6, eos_id};  // rows 0 to 4; row 5 is padding
  for (int r = 0; r < 5; ++r) {
    double exps = 0, mean = 0;
    for (int c = 0; c < 13; ++c) {
      exps += std::exp(logits[r * 13 + c]);
      mean += logits[r * 13 + c] / 13;
    }
    expected += std::log(exps) - 0.9 * logits[r * 13 + targets[r]] - 0.1 * mean;
  }
  Pass pass;
  CHECK(std::abs(m.model.loss(pass, batch, 0.1).value.item() - expected / 5) <= 1e-12);
  CHECK(std::abs(m.model.loss(pass, batch, 0.1, 20).value.item() - expected / 20) <= 1e-12);

  const Tensor as_tensor = Tensor::from(*m.k, {2, 3, 13}, logits);
  const IdTensor flat = batch.target_output.reshaped({6});
  const double composed = cross_entropy(as_tensor, {flat, pad_id, Real(0.1)}).value.item();
  CHECK(std::abs(m.model.loss(pass, batch, 0.1).value.item() - composed) <= 1e-12);
}

TEST_CASE("embedding from an offset gives the rows from there on") {
  for (const bool learned : {false, true}) {
    ModelConfig c = small_config();
    c.learned_positions = learned;
    SmallModel m(c);
    Pass pass;
    const auto all = m.model.embed_target(pass, m.ids({1, 4}, target)).value.to_host();
    const auto tail = m.model.embed_target(pass, m.ids({1, 2}, {target[2], target[3]}), 2).value.to_host();
    CHECK(std::equal(tail.begin(), tail.end(), all.begin() + 2 * 8));
  }
}

TEST_CASE("attention to itself is attention to a memory that is the same") {
  SmallModel m;
  MultiHeadAttention& attention = m.model.decoder[0]->multihead_attn;
  const auto values = random_values(1, 1, 2 * 3 * 8);
  const Variable x = Tensor::from(*m.k, {2, 3, 8}, std::vector<Real>(values.begin(), values.end()));
  Pass pass;
  const auto self = attention.self(pass, x, {}).value.to_host();
  const auto cross = attention.cross(pass, x, attention.project_memory(pass, x), {}).value.to_host();
  CHECK(largest_difference(self, cross) <= 1e-13);
}

TEST_CASE("training drops values, by step and seed; inference does not") {
  SmallModel m;
  DeviceBatch batch{m.ids({1, 5}, source), m.ids({1}, {5}), m.ids({1, 4}, target), m.ids({1, 4}, {4, 11, 7, eos_id}),
                    4};
  const auto loss = [&](std::uint64_t seed, std::uint64_t step) {
    Tape tape;
    Pass pass(tape, 0.1, seed, step);
    return m.model.loss(pass, batch, 0).value.item();
  };
  Pass inference;
  CHECK(loss(1, 1) == loss(1, 1));
  CHECK(loss(1, 1) != loss(1, 2));
  CHECK(loss(1, 1) != loss(2, 1));
  CHECK(loss(1, 1) != m.model.loss(inference, batch, 0).value.item());
  Tape tape;
  Pass recorded(tape);
  CHECK(m.model.loss(recorded, batch, 0).value.item() == m.model.loss(inference, batch, 0).value.item());
}

TEST_CASE("each site of dropout has a mask of its own") {
  Tape tape;
  Pass pass(tape, 0.5, 1, 1), next_step(tape, 0.5, 1, 2);
  const Dropout a = pass.next_dropout(), b = pass.next_dropout(), c = next_step.next_dropout();
  CHECK(a.stream != b.stream);
  CHECK(a.stream != c.stream);
  CHECK(b.stream != c.stream);
}

TEST_CASE("a sequence longer than the model knows is refused") {
  SmallModel m;
  Pass pass;
  const char* text = "transformer: a sequence of 11 tokens is longer than max_length 10";
  CHECK_THROWS_WITH_AS(m.model.encode(pass, m.ids({1, 11}, Ids(11, 4)), m.ids({1}, {11})), text, ShapeError);
  CHECK_THROWS_WITH_AS(m.model.embed_target(pass, m.ids({1, 1}, {4}), 10), text, ShapeError);
  CHECK_NOTHROW(m.model.encode(pass, m.ids({1, 10}, Ids(10, 4)), m.ids({1}, {10})));
}
