extension Node.User {
    /// How the user becomes root.
    package enum Sudo: String, Sendable, CaseIterable { case passwordless, password, none }

    /// Whether sshd takes the user's password. Without a word in the recipe a key is the way in, if there is one.
    package var logsInByPassword: Bool { password != nil && (sshPassword?.value ?? sshAuthorizedKeys.isEmpty) }

    package var sudoMode: Sudo { sudo?.value ?? .passwordless }
}
