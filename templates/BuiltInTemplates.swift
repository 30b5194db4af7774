/// The set-ups of this directory, compiled into piflash: the program needs no template files.
package enum BuiltInTemplates {
    /// Template name to file name to contents.
    package static let files: [String: [String: [UInt8]]] = [
        "classroom": ["class.yaml": PackageResources.class_yaml, "students.csv": PackageResources.students_csv],
        "rack": ["rack.yaml": PackageResources.rack_yaml],
        "single": ["pi.yaml": PackageResources.pi_yaml],
    ]
}
