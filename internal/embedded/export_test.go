package embedded

// Freeze is freeze, for tests.
var Freeze = freeze
