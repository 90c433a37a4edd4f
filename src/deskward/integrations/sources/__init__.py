"""Where documents come from: folders, repositories, web addresses."""
