//! Python bindings: convert, call `router-core`, convert back; nothing else.

mod amm;
mod balancer;
mod convert;
mod curve;
mod engine;
mod error;
mod feed;
mod solidly;
mod solver;
mod v4;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CoreError", error::core_error_type(module.py())?)?;
    module.add_class::<amm::PyPoolQuote>()?;
    module.add_class::<amm::PyV2Pool>()?;
    module.add_class::<amm::PyV3Pool>()?;
    module.add_class::<v4::PyV4Pool>()?;
    module.add_class::<balancer::PyWeightedPool>()?;
    module.add_class::<balancer::PyBalancerStablePool>()?;
    module.add_class::<solidly::PySolidlyPool>()?;
    module.add_class::<curve::PyStableSwapPool>()?;
    module.add_class::<curve::PyUnderlyingPool>()?;
    module.add_class::<curve::PyCryptoPool>()?;
    module.add_class::<engine::PyAck>()?;
    module.add_class::<engine::PyEngine>()?;
    module.add_class::<engine::PyRecovery>()?;
    module.add_class::<feed::PyPublisher>()?;
    module.add_class::<feed::PyDepthFollower>()?;
    module.add_class::<feed::PyOrdersFollower>()?;
    module.add_class::<solver::PyPlanLeg>()?;
    module.add_class::<solver::PyPlan>()?;
    module.add_class::<solver::PyMarket>()?;
    module.add_class::<solver::PyMarketBuilder>()?;
    Ok(())
}
