import Planning

extension Batch {
    /// `plan`, made without secrets, with every secret read: a card that got another value of one is stale.
    ///
    /// A secret that cannot be read is no mistake here, for its card may be done: whoever needs it says so.
    package func comparingSecrets(of plan: RackPlan) async -> RackPlan {
        var plan = plan
        for (index, card) in plan.cards.enumerated() {
            let digest = try? await RackState(of: card.node, user: user)
                .secretsDigest(of: card.node, reading: planner.secrets)
            plan.cards[index].secrets = digest
            if card.state == .done, let digest, let known = card.last?.secrets, known != digest {
                plan.cards[index].state = .stale
            }
        }
        return plan
    }
}
