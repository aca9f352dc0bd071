"""The selective scan in JAX (jit, lax.scan over time), for comparison with the roofline's scan cases.

    pip install jax && python benches/peers/jax_scan.py            # two cores
    taskset -c 0 python benches/peers/jax_scan.py                  # one

Prints milliseconds, medians, after the compilation: softplus, scan, skip and gate, as `selective_scan` fuses them, then
with the gradients of all inputs. Shapes: S is 1 x 1024 x 1536 x 16, B is 8 x 256 x 1536 x 16 (batch, time, channels, state).
"""

import statistics
import sys
import time

import jax
import jax.numpy as jnp


def scan(x, dt, z, a, b, c, d, bias, h0):
    delta = jax.nn.softplus(dt + bias)

    def step(h, inputs):
        x_t, delta_t, b_t, c_t = inputs
        h = jnp.exp(delta_t[:, :, None] * a) * h + (delta_t * x_t)[:, :, None] * b_t[:, None, :]
        return h, jnp.einsum("bdn,bn->bd", h, c_t)

    time_first = [v.swapaxes(0, 1) for v in (x, delta, b, c)]
    last, y = jax.lax.scan(step, h0, time_first)
    return (y.swapaxes(0, 1) + d * x) * jax.nn.silu(z), last


def loss(args):
    y, last = scan(*args)
    return jnp.sum(y * y) + jnp.sum(last)


def timed(f, args, rounds):
    jax.block_until_ready(f(args))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(f(args))
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main():
    for name, (batch, length, d, n) in {"S": (1, 1024, 1536, 16), "B": (8, 256, 1536, 16)}.items():
        keys = jax.random.split(jax.random.key(0), 8)
        normal = lambda k, *shape: jax.random.normal(keys[k], shape, jnp.float32)
        args = (
            normal(0, batch, length, d), normal(1, batch, length, d) - 4, normal(2, batch, length, d),
            -jnp.exp(normal(3, d, n) * 0.5), normal(4, batch, length, n), normal(5, batch, length, n),
            normal(6, d), normal(7, d) * 0.1, jnp.zeros((batch, d, n)),
        )
        forward = timed(jax.jit(lambda args: scan(*args)), args, 7)
        both = timed(jax.jit(jax.value_and_grad(loss)), args, 3)
        print(f"{name}: forward {forward:.1f} ms, forward and backward {both:.1f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
