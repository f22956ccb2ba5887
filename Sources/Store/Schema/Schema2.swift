/// Messages taken apart: what is new in them, and their signature.
enum Schema2 {
    static let split = """
        ALTER TABLE interactions ADD COLUMN new_words {text};
        ALTER TABLE interactions ADD COLUMN signature {text};

        """
}
