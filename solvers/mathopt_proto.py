"""LinearModel to and from the protocol buffers of OR-Tools MathOpt, array by array.

MathOpt's Python API builds a model element by element, which is slow from some ten thousand nonzeros on; its
wire format is a handful of repeated fields that take whole lists. So do the options of a solve travel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict.solvers.model import LinearModel, Vector
from verdict.solvers.results import Request

TOLERANCE = 1e-9


def model_proto(model: LinearModel) -> Any:
    """A ModelProto with ids 0..n-1 and 0..m-1, without names."""
    from ortools.math_opt import model_pb2

    proto = model_pb2.ModelProto()
    columns = proto.variables
    columns.ids.extend(range(model.columns))
    columns.lower_bounds.extend(model.lower.tolist())
    columns.upper_bounds.extend(model.upper.tolist())
    columns.integers.extend(model.integer.tolist())
    used = np.flatnonzero(model.objective)
    proto.objective.offset = model.offset
    proto.objective.linear_coefficients.ids.extend(used.tolist())
    proto.objective.linear_coefficients.values.extend(model.objective[used].tolist())
    rows = proto.linear_constraints
    rows.ids.extend(range(model.rows))
    rows.lower_bounds.extend(model.row_lower.tolist())
    rows.upper_bounds.extend(model.row_upper.tolist())
    entries = model.matrix.tocoo()
    matrix = proto.linear_constraint_matrix
    # Sorted by row, then column, as MathOpt demands: a canonical CSR matrix is.
    matrix.row_ids.extend(entries.coords[0].tolist())
    matrix.column_ids.extend(entries.coords[1].tolist())
    matrix.coefficients.extend(entries.data.tolist())
    for number, (left, right, value) in enumerate(model.products):
        # left right - value = 0
        row = proto.quadratic_constraints[number]
        row.linear_terms.ids.append(value)
        row.linear_terms.values.append(-1.0)
        row.quadratic_terms.row_ids.append(min(left, right))
        row.quadratic_terms.column_ids.append(max(left, right))
        row.quadratic_terms.coefficients.append(1.0)
    return proto


def dense(vector: Any, size: int) -> Vector:
    """A SparseDoubleVectorProto as a dense array (size,)."""
    out = np.zeros(size)
    out[np.array(vector.ids, dtype=np.intp)] = np.array(vector.values, dtype=np.float64)
    return out


def hint_proto(hint: Vector) -> Any:
    """ModelSolveParametersProto with one solution hint; NaN entries are left out."""
    from ortools.math_opt import model_parameters_pb2

    proto = model_parameters_pb2.ModelSolveParametersProto()
    known = np.flatnonzero(np.isfinite(hint))
    if len(known):
        values = proto.solution_hints.add().variable_values
        values.ids.extend(known.tolist())
        values.values.extend(hint[known].tolist())
    return proto


def parameters(backend: str, request: Request, own_process: bool) -> Any:
    """SolveParametersProto: tight tolerances, the gap asked for, the time limit, the threads."""
    from ortools.math_opt import parameters_pb2

    params = parameters_pb2.SolveParametersProto()
    if request.time_limit is not None:
        params.time_limit.FromNanoseconds(int(request.time_limit * 1e9))
    if backend == "HIGHS":
        options = params.highs
        for key in (
            "primal_feasibility_tolerance",
            "dual_feasibility_tolerance",
            "mip_feasibility_tolerance",
        ):
            options.double_options[key] = TOLERANCE
        options.double_options["mip_rel_gap"] = 0.0
        options.double_options["mip_abs_gap"] = max(request.gap, TOLERANCE)
        options.double_options["mip_min_logging_interval"] = 0.5
        if own_process:
            options.int_options["threads"] = (
                request.threads
            )  # MathOpt refuses its generic `threads` for HiGHS
        return params
    if request.threads > 1:
        params.threads = request.threads
    if backend == "GSCIP":
        params.gscip.real_params["numerics/feastol"] = TOLERANCE
        params.gscip.real_params["numerics/dualfeastol"] = TOLERANCE
        params.gscip.int_params["display/freq"] = 1000
    if backend == "GLOP":
        params.glop.primal_feasibility_tolerance = TOLERANCE
        params.glop.dual_feasibility_tolerance = TOLERANCE
        params.glop.solution_feasibility_tolerance = TOLERANCE
    else:
        params.relative_gap_tolerance = 0.0
        params.absolute_gap_tolerance = request.gap
    if backend == "CP_SAT":
        params.threads = request.threads  # its default is every core
        # Beyond these it would clip a column's range, without a word.
        params.cp_sat.mip_max_bound = 2.0**52
        params.cp_sat.mip_max_activity_exponent = 62
    return params
