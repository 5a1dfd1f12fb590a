//! Which node looks after which region: rendezvous hashing.
//!
//! Every node computes the same answer from the same list of nodes, without asking anybody. When a node
//! goes, only its regions move; when one comes, it takes its share and no other region moves.

use crate::ids::NodeId;

/// The node that looks after a region; `None` without nodes.
pub fn owner(region: &str, nodes: &[NodeId]) -> Option<NodeId> {
    nodes.iter().copied().max_by_key(|node| (score(region, *node), node.uuid()))
}

/// FNV-1a of both names, then mixed so that near names are far apart. The same on every machine and in
/// every version: two nodes of different builds must agree.
fn score(region: &str, node: NodeId) -> u64 {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = region.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    let mut mixed = node.uuid().as_bytes().iter().fold(hash, fnv);
    for multiplier in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(multiplier);
    }
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given_regions(n: u32) -> Vec<String> {
        (0..n).map(|it| format!("w{it:03}")).collect()
    }

    #[test]
    fn regions_are_spread_evenly() {
        let nodes: Vec<NodeId> = (0..4).map(|_| NodeId::generate()).collect();
        let regions = given_regions(4_000);
        for node in &nodes {
            let n = regions.iter().filter(|it| owner(it, &nodes) == Some(*node)).count();
            assert!((800..1_200).contains(&n), "{n} of 4000 regions on one of four nodes");
        }
        assert_eq!(owner("wtw3", &[]), None);
    }

    proptest! {
        #[test]
        fn when_a_node_goes_only_its_regions_move(n_nodes in 2_usize..9, gone in 0_usize..9) {
            let mut nodes: Vec<NodeId> = (0..n_nodes).map(|_| NodeId::generate()).collect();
            let before: Vec<_> =
                given_regions(200).into_iter().map(|it| (owner(&it, &nodes), it)).collect();
            let gone = nodes.swap_remove(gone % n_nodes);
            for (was, region) in before {
                let is = owner(&region, &nodes);
                prop_assert_eq!(is == was, was != Some(gone), "{} was {:?} and is {:?}", region, was, is);
            }
        }
    }
}
