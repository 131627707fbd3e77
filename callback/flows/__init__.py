"""The story: one module a step of a caller's journey. Each loads, decides by the rules of `domain`, saves, then
acts."""
