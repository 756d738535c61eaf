"""frameworks -> trace -> signals -> rules -> diagnosis -> verification -> reports.

A *probe* watches a framework and writes a *trace*; *signals* are statistics over a trace; a *rule* recognizes one
fault; a *diagnosis* ranks causes; *verification* retrains briefly to prove one; a *report* says it. Each stage imports
only stages to its left, and none but `frameworks` imports a framework.
"""
