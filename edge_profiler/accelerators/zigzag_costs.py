"""Cycles and energy of a layer from zigzag, which searches the order of its loops.

It takes seconds for a layer, so that results are kept (see ``table``) and never asked for live.

Source: Mei et al. 2021, "ZigZag: Enlarging Joint Architecture-Mapping Design Space Exploration for
DNN Accelerators"; the package zigzag-dse.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from ...bench.errors import AcceleratorError, MissingExtraError
from ...bench.operators import Operator
from .description import OPERANDS, SIDES, SUM_BITS, Accelerator
from .mapping import loops_of, spread

#: Loop factors whose orders are all tried. With zigzag's default of 6 a layer takes some ten times
#: as long; of two layers compared cycles were the same, and energies within 1.2 %.
LOOP_FACTORS = 4
EQUATION = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"


def layer_document(accelerator: Accelerator, operator: Operator) -> dict[str, Any]:
    """A convolution or linear layer as zigzag reads one."""
    loops = loops_of(operator)
    bits, stride = accelerator.activation_bits, operator.stride
    return {
        "id": 0,
        "name": "layer",
        "operator_type": "Conv",
        "equation": EQUATION,
        "loop_dims": ["B", *loops],
        "loop_sizes": [1, *loops.values()],
        "dimension_relations": [f"ix={stride}*ox+1*fx", f"iy={stride}*oy+1*fy"],
        "operand_precision": {
            "W": accelerator.weight_bits,
            "I": bits,
            "O": SUM_BITS,
            "O_final": bits,
        },
        "operand_source": {"I": 0, "W": 0},
    }


def mapping_document(accelerator: Accelerator, operator: Operator) -> list[dict[str, Any]]:
    """What is spread over the array for a layer, as zigzag reads it."""
    sides = zip(SIDES, spread(accelerator, loops_of(operator)), strict=True)
    return [
        {
            "name": "default",
            "spatial_mapping": {
                d: [f"{loop}, {n}" for loop, n in side.items()] or ["K, 1"] for d, side in sides
            },
            "memory_operand_links": OPERANDS,
        }
    ]


def zigzag_costs(accelerator: Accelerator, operator: Operator) -> tuple[float, float] | None:
    """Cycles and energy in pJ of a layer; None where it does not fit.

    Args:
        accelerator: what it runs on.
        operator: a convolution or linear layer.

    Raises:
        MissingExtraError: ``zigzag-dse`` is not installed.
        AcceleratorError: zigzag refuses the accelerator.
    """
    try:
        from zigzag.mapping.temporal_mapping import TemporalMappingType
        from zigzag.opt.loma.engine import NoValidLoopOrderingFoundException
        from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
        from zigzag.stages.main import MainStage
        from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
        from zigzag.stages.mapping.temporal_mapping_generator_stage import (
            TemporalMappingGeneratorStage,
        )
        from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
        from zigzag.stages.parser.workload_parser import WorkloadParserStage
        from zigzag.stages.results.reduce_stages import MinimalEDPStage
        from zigzag.stages.workload_iterator import WorkloadStage
    except ImportError as error:
        raise MissingExtraError("zigzag", "accelerator", "zigzag's costs of a layer") from error

    logging.getLogger("zigzag").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        hardware, mapping = Path(folder, "hardware.yaml"), Path(folder, "mapping.yaml")
        hardware.write_text(json.dumps(accelerator.document), encoding="utf-8")
        mapping.write_text(json.dumps(mapping_document(accelerator, operator)), encoding="utf-8")
        stages = [
            WorkloadParserStage,
            AcceleratorParserStage,
            WorkloadStage,
            MinimalEDPStage,
            SpatialMappingGeneratorStage,
            MinimalEDPStage,
            TemporalMappingGeneratorStage,
            CostModelStage,
        ]
        try:
            results = MainStage(
                list_of_callables=stages,
                accelerator=str(hardware),
                workload=[layer_document(accelerator, operator)],
                mapping=str(mapping),
                loma_lpf_limit=LOOP_FACTORS,
                loma_show_progress_bar=False,
                nb_mappings_generated=1,
                enable_mix_spatial_mapping_generation=False,
                access_same_data_considered_as_no_access=True,
                temporal_mapping_type=TemporalMappingType("uneven"),
            ).run()
        except NoValidLoopOrderingFoundException:
            return None
        except ValueError as error:
            raise AcceleratorError(f"zigzag refuses {accelerator.name}: {error}") from error
    result = results[0][0]
    return float(result.latency_total2), float(result.energy_total)
