import Planning

extension Batch {
    /// `plan`, which was made without secrets, after reading every secret: a card with an old value is stale.
    ///
    /// A secret that cannot be read is not an error here, because its card may be done. If it is needed later, that fails.
    package func comparingSecrets(of plan: RackPlan) async -> RackPlan {
        var plan = plan
        for (index, card) in plan.cards.enumerated() {
            let digest = try? await RackState(of: card.node)
                .secretsDigest(of: card.node, reading: planner.secrets)
            plan.cards[index].secrets = digest
            if card.state == .done, let digest, let known = card.last?.secrets, known != digest {
                plan.cards[index].state = .stale
            }
        }
        return plan
    }
}
