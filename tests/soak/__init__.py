# SPDX-License-Identifier: Apache-2.0
"""
Hours of mixed traffic against one gate, honest and hostile, and a count of what is left of it: see script/soak.

site: the gate and its repository. honest, faulty: what clients do. crew: who does it, and how it went. leavings: what
is left. __main__: rounds of traffic with a rest behind each, and the verdict.
"""
