# SPDX-License-Identifier: Apache-2.0
"""
Runs hours of mixed traffic, honest and hostile, against one gate, and counts what stays: see script/soak.

site: the gate and its repository. honest, faulty: the clients' plays. crew: the players and their tally. leavings: what
clients leave behind. __main__: rounds of traffic with a rest after each, and the verdict.
"""
