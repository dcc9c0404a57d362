// A model's parameters: names and shapes of torch.nn.Transformer, their number, their initial values; what a
// configuration may hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/model_fixture.hpp"

using namespace tenfold;

namespace {

using Named = std::vector<std::pair<std::string, std::string>>;

Named names_and_shapes(const ModelConfig& config) {
  const auto k = make_reference_kernels();
  Transformer model(*k, config, 1);
  Named all;
  for (Parameter* p : model.parameters()) all.emplace_back(p->name, to_string(p->value.shape()));
  return all;
}

Index count(const ModelConfig& config) {
  const auto k = make_reference_kernels();
  Transformer model(*k, config, 1);
  Index n = 0;
  for (Parameter* p : model.parameters()) n += p->value.size();
  return n;
}

}  // namespace

TEST_CASE("without a seed the random weights are left to who loads them") {
  const auto k = make_reference_kernels();
  ModelConfig config = small_config();
  config.learned_positions = true;
  Transformer model(*k, config, std::nullopt), drawn(*k, config, 1);
  const auto expected = drawn.parameters();
  std::size_t i = 0;
  for (Parameter* p : model.parameters()) {
    CAPTURE(p->name);
    CHECK(p->name == expected[i]->name);
    CHECK(p->value.shape() == expected[i]->value.shape());
    const std::vector<Real> values = p->value.to_host(), random = expected[i++]->value.to_host();
    const bool untouched = std::all_of(values.begin(), values.end(), [](Real v) { return std::isnan(v); });
    CHECK((untouched || values == random));  // new memory is NaN in this program; constants are filled in
    CHECK(untouched == (p->value.shape().rank() == 2));
  }
}

// From the state dict of torch.nn.Transformer(d_model=8, nhead=2, num_encoder_layers=2, num_decoder_layers=2,
// dim_feedforward=12), https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html, between our embeddings.
TEST_CASE("parameters are named and shaped as torch.nn.Transformer's") {
  const Named expected{
      {"tgt_embed.weight", "[13, 8]"},
      {"encoder.layers.0.self_attn.in_proj_weight", "[24, 8]"},
      {"encoder.layers.0.self_attn.in_proj_bias", "[24]"},
      {"encoder.layers.0.self_attn.out_proj.weight", "[8, 8]"},
      {"encoder.layers.0.self_attn.out_proj.bias", "[8]"},
      {"encoder.layers.0.linear1.weight", "[12, 8]"},
      {"encoder.layers.0.linear1.bias", "[12]"},
      {"encoder.layers.0.linear2.weight", "[8, 12]"},
      {"encoder.layers.0.linear2.bias", "[8]"},
      {"encoder.layers.0.norm1.weight", "[8]"},
      {"encoder.layers.0.norm1.bias", "[8]"},
      {"encoder.layers.0.norm2.weight", "[8]"},
      {"encoder.layers.0.norm2.bias", "[8]"},
      {"encoder.layers.1.self_attn.in_proj_weight", "[24, 8]"},
      {"encoder.layers.1.self_attn.in_proj_bias", "[24]"},
      {"encoder.layers.1.self_attn.out_proj.weight", "[8, 8]"},
      {"encoder.layers.1.self_attn.out_proj.bias", "[8]"},
      {"encoder.layers.1.linear1.weight", "[12, 8]"},
      {"encoder.layers.1.linear1.bias", "[12]"},
      {"encoder.layers.1.linear2.weight", "[8, 12]"},
      {"encoder.layers.1.linear2.bias", "[8]"},
      {"encoder.layers.1.norm1.weight", "[8]"},
      {"encoder.layers.1.norm1.bias", "[8]"},
      {"encoder.layers.1.norm2.weight", "[8]"},
      {"encoder.layers.1.norm2.bias", "[8]"},
      {"encoder.norm.weight", "[8]"},
      {"encoder.norm.bias", "[8]"},
      {"decoder.layers.0.self_attn.in_proj_weight", "[24, 8]"},
      {"decoder.layers.0.self_attn.in_proj_bias", "[24]"},
      {"decoder.layers.0.self_attn.out_proj.weight", "[8, 8]"},
      {"decoder.layers.0.self_attn.out_proj.bias", "[8]"},
      {"decoder.layers.0.multihead_attn.in_proj_weight", "[24, 8]"},
      {"decoder.layers.0.multihead_attn.in_proj_bias", "[24]"},
      {"decoder.layers.0.multihead_attn.out_proj.weight", "[8, 8]"},
      {"decoder.layers.0.multihead_attn.out_proj.bias", "[8]"},
      {"decoder.layers.0.linear1.weight", "[12, 8]"},
      {"decoder.layers.0.linear1.bias", "[12]"},
      {"decoder.layers.0.linear2.weight", "[8, 12]"},
      {"decoder.layers.0.linear2.bias", "[8]"},
      {"decoder.layers.0.norm1.weight", "[8]"},
      {"decoder.layers.0.norm1.bias", "[8]"},
      {"decoder.layers.0.norm2.weight", "[8]"},
      {"decoder.layers.0.norm2.bias", "[8]"},
      {"decoder.layers.0.norm3.weight", "[8]"},
      {"decoder.layers.0.norm3.bias", "[8]"},
      {"decoder.layers.1.self_attn.in_proj_weight", "[24, 8]"},
      {"decoder.layers.1.self_attn.in_proj_bias", "[24]"},
      {"decoder.layers.1.self_attn.out_proj.weight", "[8, 8]"},
      {"decoder.layers.1.self_attn.out_proj.bias", "[8]"},
      {"decoder.layers.1.multihead_attn.in_proj_weight", "[24, 8]"},
      {"decoder.layers.1.multihead_attn.in_proj_bias", "[24]"},
      {"decoder.layers.1.multihead_attn.out_proj.weight", "[8, 8]"},
      {"decoder.layers.1.multihead_attn.out_proj.bias", "[8]"},
      {"decoder.layers.1.linear1.weight", "[12, 8]"},
      {"decoder.layers.1.linear1.bias", "[12]"},
      {"decoder.layers.1.linear2.weight", "[8, 12]"},
      {"decoder.layers.1.linear2.bias", "[8]"},
      {"decoder.layers.1.norm1.weight", "[8]"},
      {"decoder.layers.1.norm1.bias", "[8]"},
      {"decoder.layers.1.norm2.weight", "[8]"},
      {"decoder.layers.1.norm2.bias", "[8]"},
      {"decoder.layers.1.norm3.weight", "[8]"},
      {"decoder.layers.1.norm3.bias", "[8]"},
      {"decoder.norm.weight", "[8]"},
      {"decoder.norm.bias", "[8]"},
      {"generator.bias", "[13]"},
  };
  CHECK(names_and_shapes(small_config()) == expected);
  ModelConfig post = small_config();
  post.pre_norm = false;
  CHECK(names_and_shapes(post) == expected);
}

TEST_CASE("variants add the parameters they need, and parameter_count() counts them all") {
  const Named tied = names_and_shapes(small_config());
  const auto added = [&](const ModelConfig& c) {
    Named more;
    for (const auto& p : names_and_shapes(c))
      if (std::find(tied.begin(), tied.end(), p) == tied.end()) more.push_back(p);
    CHECK(c.parameter_count() == count(c));
    return more;
  };
  ModelConfig untied = small_config(), separate = small_config(), both = small_config(), learned = small_config(),
              shallow = small_config();
  untied.tied_embeddings = both.tied_embeddings = false;
  separate.joint_vocabulary = both.joint_vocabulary = false;
  separate.source_vocabulary = both.source_vocabulary = 17;
  learned.learned_positions = true;
  shallow.encoder_layers = 0;
  CHECK(added(small_config()).empty());
  CHECK(added(untied) == Named{{"src_embed.weight", "[13, 8]"}, {"generator.weight", "[13, 8]"}});
  CHECK(added(separate) == Named{{"src_embed.weight", "[17, 8]"}});
  CHECK(added(both) == Named{{"src_embed.weight", "[17, 8]"}, {"generator.weight", "[13, 8]"}});
  CHECK(added(learned) == Named{{"src_pos.weight", "[10, 8]"}, {"tgt_pos.weight", "[10, 8]"}});
  CHECK(added(shallow).empty());
}

TEST_CASE("the same seed gives the same bits, whatever the device or its threads; another seed others") {
  const auto values = [](const char* device, int threads, std::uint64_t seed) {
    const auto k = make_kernels(device, threads);
    Transformer model(*k, small_config(), seed);
    std::vector<std::vector<Real>> all;
    for (Parameter* p : model.parameters()) all.push_back(p->value.to_host());
    return all;
  };
  const auto first = values("reference", 0, 5);
  CHECK(first == values("reference", 0, 5));
  CHECK(first == values("cpu", 1, 5));
  CHECK(first == values("cpu", 3, 5));
  CHECK(first != values("cpu", 1, 6));
}

TEST_CASE("initial values: Xavier in projections, 1/√d in embeddings, no two alike, ones and zeros elsewhere") {
  ModelConfig c = small_config();
  c.model_dim = 64;
  c.feed_forward_dim = 96;
  c.source_vocabulary = c.target_vocabulary = 500;
  const auto k = make_reference_kernels();
  Transformer model(*k, c, 1);
  const auto check_spread = [](const Parameter& p, double deviation) {
    INFO(p.name);
    double squares = 0;
    for (Real v : p.value.to_host()) squares += static_cast<double>(v) * v;
    CHECK(std::sqrt(squares / static_cast<double>(p.value.size())) == doctest::Approx(deviation).epsilon(0.05));
  };
  check_spread(model.target_embed, 1 / 8.0);
  check_spread(model.encoder[0]->self_attn.in_proj_weight, std::sqrt(2.0 / (3 * 64 + 64)));
  check_spread(model.encoder[0]->feed_forward.linear1.weight, std::sqrt(2.0 / (96 + 64)));
  double largest = 0;
  for (Real v : model.encoder[0]->feed_forward.linear1.weight.value.to_host())
    largest = std::max(largest, std::abs(static_cast<double>(v)));
  CHECK(largest <= std::sqrt(6.0 / (96 + 64)));
  CHECK(model.encoder[0]->feed_forward.linear1.weight.value.to_host() !=
        model.encoder[1]->feed_forward.linear1.weight.value.to_host());
  CHECK(model.encoder[0]->norm1.weight.value.to_host() == std::vector<Real>(64, 1));
  CHECK(model.encoder[0]->norm1.bias.value.to_host() == std::vector<Real>(64, 0));
  CHECK(model.generator_bias.value.to_host() == std::vector<Real>(500, 0));
}

TEST_CASE("a configuration that cannot be is refused by the name of its field") {
  const auto refused = [](auto change, const char* text) {
    ModelConfig c = small_config();
    change(c);
    CHECK_THROWS_WITH_AS(c.validate(), text, DataError);
    const auto k = make_reference_kernels();
    CHECK_THROWS_AS(Transformer(*k, c, 1), DataError);
  };
  CHECK_NOTHROW(small_config().validate());
  refused([](ModelConfig& c) { c.source_vocabulary = 3; },
          "model: source_vocabulary must be 4 to 1000000, got 3");
  refused([](ModelConfig& c) { c.target_vocabulary = 1'000'001; },
          "model: target_vocabulary must be 4 to 1000000, got 1000001");
  refused([](ModelConfig& c) { c.model_dim = 0; }, "model: model_dim must be 2 to 16384, got 0");
  refused([](ModelConfig& c) { c.heads = 0; }, "model: heads must be 1 to 1024, got 0");
  refused([](ModelConfig& c) { c.heads = 3; }, "model: model_dim must be a multiple of heads, got 8 and 3");
  refused([](ModelConfig& c) { c.feed_forward_dim = -1; }, "model: feed_forward_dim must be 1 to 65536, got -1");
  refused([](ModelConfig& c) { c.encoder_layers = 65; }, "model: encoder_layers must be 0 to 64, got 65");
  refused([](ModelConfig& c) { c.decoder_layers = 0; }, "model: decoder_layers must be 1 to 64, got 0");
  refused([](ModelConfig& c) { c.max_length = 1; }, "model: max_length must be 2 to 65536, got 1");
  refused([](ModelConfig& c) { c.dropout = 1; }, "model: dropout must be in [0, 1), got 1");
  refused([](ModelConfig& c) { c.dropout = std::nan(""); }, "model: dropout must be in [0, 1), got nan");
  refused([](ModelConfig& c) { c.model_dim = 9, c.heads = 3; },
          "model: model_dim must be even for sinusoidal positions, got 9");
  refused([](ModelConfig& c) { c.source_vocabulary = 14; }, "model: a joint vocabulary has one size, got 14 and 13");
}
