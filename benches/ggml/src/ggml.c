// What the bench needs of ggml, behind plain pointers: products by its dot functions, scans by its graphs.

#include <ggml-cpu.h>
#include <ggml.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct product {
    int rows, cols, tokens;
    size_t row_size, token_size;
    char *weights, *activations;
    ggml_vec_dot_t dot;
};

static char *aligned(size_t size) { return aligned_alloc(64, (size + 63) / 64 * 64); }

// Weights in TQ1_0 or TQ2_0, activations in what their dot function takes.
struct product *product_new(bool tq1, int rows, int cols, int tokens, const float *weights, const float *x) {
    ggml_cpu_init();
    enum ggml_type type = tq1 ? GGML_TYPE_TQ1_0 : GGML_TYPE_TQ2_0;
    const struct ggml_type_traits_cpu *traits = ggml_get_type_traits_cpu(type);
    const struct ggml_type_traits_cpu *of_x = ggml_get_type_traits_cpu(traits->vec_dot_type);
    struct product *p = malloc(sizeof *p);
    *p = (struct product){
        .rows = rows, .cols = cols, .tokens = tokens,
        .row_size = ggml_row_size(type, cols), .token_size = ggml_row_size(traits->vec_dot_type, cols),
        .dot = traits->vec_dot,
    };
    p->weights = aligned(p->row_size * rows);
    p->activations = aligned(p->token_size * tokens);
    ggml_quantize_chunk(type, weights, p->weights, 0, rows, cols, NULL);
    for (int t = 0; t < tokens; t++) of_x->from_float(x + (size_t)t * cols, p->activations + t * p->token_size, cols);
    return p;
}

// In blocks of 16 rows, as `ggml_compute_forward_mul_mat` goes.
void product_run(const struct product *p, float *out) {
    for (int block = 0; block < p->rows; block += 16)
        for (int t = 0; t < p->tokens; t++)
            for (int r = block; r < block + 16 && r < p->rows; r++)
                p->dot(p->cols, out + (size_t)t * p->rows + r, 0, p->weights + r * p->row_size, 0,
                       p->activations + t * p->token_size, 0, 1);
}

void product_free(struct product *p) { free(p->weights), free(p->activations), free(p); }

struct scan {
    struct ggml_context *context;
    struct ggml_cgraph *graph;
    struct ggml_cplan plan;
    struct ggml_tensor *result;
};

static struct ggml_tensor *filled(struct ggml_context *c, int64_t w, int64_t x, int64_t y, const float *data) {
    struct ggml_tensor *t = ggml_new_tensor_4d(c, GGML_TYPE_F32, w, x, y, 1);
    data ? memcpy(t->data, data, ggml_nbytes(t)) : memset(t->data, 0, ggml_nbytes(t));
    return t;
}

// ggml's Mamba-1 has as many heads as channels, each of width 1, and a row of `a` for each.
struct scan *scan_new(int time, int heads, int width, int d_state, bool scalar_a, int threads, const float *x,
                      const float *dt, const float *a, const float *b, const float *c) {
    struct scan *s = malloc(sizeof *s);
    size_t floats = (size_t)2 * time * heads * width + 4 * (size_t)d_state * heads * width + (size_t)time * (heads + 2 * d_state);
    s->context = ggml_init((struct ggml_init_params){.mem_size = 4 * floats + (16 << 20)});
    struct ggml_context *k = s->context;
    struct ggml_tensor *ids = ggml_new_tensor_1d(k, GGML_TYPE_I32, 1);
    *(int32_t *)ids->data = 0;
    struct ggml_tensor *dts = ggml_new_tensor_3d(k, GGML_TYPE_F32, heads, time, 1);
    memcpy(dts->data, dt, ggml_nbytes(dts));
    struct ggml_tensor *as = ggml_new_tensor_2d(k, GGML_TYPE_F32, scalar_a ? 1 : d_state, heads);
    memcpy(as->data, a, ggml_nbytes(as));
    s->result = ggml_ssm_scan(k, filled(k, d_state, width, heads, NULL), filled(k, width, heads, time, x), dts, as,
                              filled(k, d_state, 1, time, b), filled(k, d_state, 1, time, c), ids, 1);
    s->graph = ggml_new_graph(k);
    ggml_build_forward_expand(s->graph, s->result);
    s->plan = ggml_graph_plan(s->graph, threads, NULL);
    s->plan.work_data = malloc(s->plan.work_size + 64);
    return s;
}

const float *scan_run(struct scan *s) {
    ggml_graph_compute(s->graph, &s->plan);
    return s->result->data;
}

void scan_free(struct scan *s) { ggml_free(s->context), free(s->plan.work_data), free(s); }
