import Diagnostics

extension RecipeDecoder {
    mutating func user(_ value: RecipeValue) -> Node.User? {
        guard let fields = fields(value, "user", .user), let name = text(fields, "name") else {
            return nil
        }
        let password = secret(fields, "password")
        let keys = secrets(fields, "ssh_authorized_keys")
        if fields["password"] == nil, keys.isEmpty, fields["ssh_authorized_keys"] == nil || !report.hasErrors {
            report.error(
                at: fields.location,
                "user: nobody could log in: add user.password or user.ssh_authorized_keys")
        }
        let groups = texts(fields, "groups")
        let sudo: Located<Node.User.Sudo>? = choice(fields, "sudo")
        for group in groups where sudo?.value == Node.User.Sudo.none && group.value == "sudo" {
            report.error(at: group.location, "user.groups: the group sudo makes the user root, but user.sudo is none")
        }
        return Node.User(
            name: name, password: password, sshAuthorizedKeys: keys, groups: groups, sshPassword: sshPassword(fields),
            sudo: sudo)
    }

    private mutating func sshPassword(_ fields: Fields) -> Located<Bool>? {
        guard let location = fields["ssh_password"]?.location, let takes = flag(fields, "ssh_password") else {
            return nil
        }
        if takes, fields["password"] == nil {
            report.error(
                at: location, "user.ssh_password: true, but there is no password: add user.password, or leave it out")
        }
        if !takes, fields["ssh_authorized_keys"] == nil {
            report.warning(
                at: location,
                "user.ssh_password: false, and there is no key: nobody can log in over ssh (add user.ssh_authorized_keys)"
            )
        }
        return Located(takes, at: location)
    }
}
