"""Two examples for each command, in the order in which they are tried: a test runs them all in an empty folder."""

from __future__ import annotations

from collections.abc import Mapping

# Of each command, or of "" `verdict` itself, what follows `verdict`.
EXAMPLES: Mapping[str, tuple[str, str]] = {
    "": (
        "maxeps digits-mlp --input digits#3",
        "robust digits-mlp --input digits#3 --eps 0.02",
    ),
    "robust": (
        "robust digits-mlp --input digits#3 --eps 0.02",
        "robust cancer-mlp --input cancer#0:5 --eps 0.01 --json",
    ),
    "maxeps": (
        "maxeps digits-mlp --input digits#3",
        "maxeps xor --input xor#1:3 --certificate proofs --statement xor.md",
    ),
    "verify": (
        "encode xor --input xor#1 --eps 0.2 --to vnnlib -o query.vnnlib",
        "verify xor query.vnnlib",
    ),
    "prove": (
        'prove xor --that "y[1] > y[0]" --given "box([0, 0.7], [0.1, 1])"',
        'prove xor --input xor#1 --that "margin(0.3)" --given "near(0.1)"',
    ),
    "supports": ("supports --engines", "supports --onnx-opset-versions"),
    "maxdelta": (
        "maxdelta digits-mlp digits-mlp-robust --input digits#3",
        "maxdelta digits-mlp digits-mlp-robust --input digits#3 --statement agree.json",
    ),
    "imitates": (
        "imitates xor xor --delta 0.01 --range 0 1",
        "imitates digits-mlp digits-mlp-robust --lead 0 --input digits#3 --within 0.001",
    ),
    "general": (
        "general xor --eps 0.05 --lead 0.5 --input xor#1 --within 0.1",
        "general xor --theta 0.1 --input xor#1 --within 0.1",
    ),
    "monotone": (
        "monotone abs --feature 0 --output 0 --range 0 1",
        "monotone cancer-mlp --feature 'worst texture' --label benign --input cancer#3 --within 0.01",
    ),
    "maxfall": (
        "maxfall xor --feature 0 --output 1 --step 0.1 --range 0 1",
        "maxfall xor --feature 1 --output 0 --step 0.1 --input xor#1 --within 0.1",
    ),
    "maxweights": (
        "maxweights xor --input xor#1 --layer fc1",
        "maxweights xor --input xor#1 --layer fc1 --relative",
    ),
    "maxpruning": (
        "maxpruning xor --range 0 1",
        "maxpruning xor --input xor#1 --within 0.1 --save pruned.onnx",
    ),
    "residual": (
        'residual square --unknown u,v --variables x --domain "x:-1:1" --equation "u*u_x - sin(pi*x)"',
        'residual square --unknown u,v --variables x --equation "u + v_x" --at "x=1/2" --json',
    ),
    "check": (
        "robust digits-mlp --input digits#3 --eps 0.02 --certificate proof.vcert",
        "check digits-mlp proof.vcert",
    ),
    "encode": (
        "encode xor --input xor#1 --eps 0.2 --to smt2",
        "encode xor --input xor#1 --eps 0.2 --to lp -o xor.lp",
    ),
    "bounds": (
        "bounds xor --input xor#1 --eps 0.1",
        "bounds digits-mlp --input digits#3 --eps 0.03 --method interval,linear",
    ),
    "run": (
        "run --maxeps xor --dataset xor --store xor.db",
        "run --eps 0.1,0.3 xor --dataset xor --index 0:2 --store xor.db --certificates --json",
    ),
    "summary": ("summary xor.db", "summary xor.db --json"),
    "export": ("export xor.db -o xor.csv", "export xor.db -o xor.jsonl"),
    "report": ("report xor.db -o xor.html", "report xor.db xor.db -o two.html --title 'Two runs'"),
    "models": ("models", "models --json"),
    "info": ("info digits-mlp", "info xor --json"),
}
